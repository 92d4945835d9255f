package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// distribution is an installed Python distribution, read from its metadata: no interpreter and no pip is started.
type distribution struct {
	name, version string
	needs         []string // names of what it requires in every environment
	site          string
}

var (
	separators = regexp.MustCompile(`[-_.]+`)
	nameStart  = regexp.MustCompile(`^[A-Za-z0-9._-]+`)
	release    = regexp.MustCompile(`^\d+\.\d+(\.\d+)?$`)
)

// distributions lists what is installed for the interpreter, by name.
func distributions(python interpreter) []distribution {
	found := map[string]distribution{}
	for _, site := range sites(python) {
		metadata, _ := filepath.Glob(filepath.Join(site, "*.dist-info", "METADATA"))
		for _, path := range metadata {
			one := readMetadata(path)
			if _, shadowed := found[one.name]; one.name != "" && !shadowed {
				one.site = site
				found[one.name] = one
			}
		}
	}
	sorted := make([]distribution, 0, len(found))
	for _, one := range found {
		sorted = append(sorted, one)
	}
	slices.SortFunc(sorted, func(a, b distribution) int { return strings.Compare(a.name, b.name) })
	return sorted
}

// sites are the site-packages folders of the interpreter.
func sites(python interpreter) []string {
	if python.venv != "" {
		found, _ := filepath.Glob(filepath.Join(python.venv, "lib", "python3*", "site-packages"))
		return found
	}
	printed, _ := exec.Command(python.path, "-c", `import sys; print(*sys.path[1:], sep="\n")`).Output()
	return strings.Fields(string(printed))
}

func readMetadata(path string) distribution {
	var read distribution
	file, err := os.Open(path)
	if err != nil {
		return read
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan() && lines.Text() != ""; {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "Name":
			read.name = normal(value)
		case "Version":
			read.version = value
		case "Requires-Dist":
			if !strings.Contains(value, "extra ==") {
				read.needs = append(read.needs, normal(nameStart.FindString(value)))
			}
		}
	}
	return read
}

// normal is the canonical form of a distribution name (PEP 503).
func normal(name string) string { return strings.ToLower(separators.ReplaceAllString(name, "-")) }

// topLevel leaves out what another distribution requires.
func topLevel(all []distribution) []distribution {
	needed := map[string]bool{}
	for _, one := range all {
		for _, name := range one.needs {
			needed[name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(one distribution) bool { return needed[one.name] })
}

// requiredPackage is the Pulumi package that a distribution needs, or nil. pulumi-policy predates the file that says
// that no plugin belongs to it.
func requiredPackage(one distribution) *pulumirpc.PackageDependency {
	module := strings.ReplaceAll(one.name, "-", "_")
	described, err := plugin.LoadPulumiPluginJSON(filepath.Join(one.site, module, "pulumi-plugin.json"))
	switch {
	case err != nil && (!strings.HasPrefix(one.name, "pulumi-") || one.name == "pulumi-policy"):
		return nil
	case err == nil && !described.Resource:
		return nil
	case err != nil:
		described = &plugin.PulumiPluginJSON{}
	}
	needed := &pulumirpc.PackageDependency{
		Kind: "resource", Name: described.Name, Version: described.Version, Server: described.Server,
	}
	if needed.Name == "" {
		needed.Name = strings.TrimPrefix(one.name, "pulumi-")
	}
	if needed.Version == "" && release.MatchString(one.version) {
		needed.Version = one.version
	}
	if needed.Version == "" {
		return nil
	}
	needed.Version = "v" + strings.TrimPrefix(needed.Version, "v")
	if p := described.Parameterization; p != nil {
		needed.Parameterization = &pulumirpc.PackageParameterization{Name: p.Name, Version: p.Version, Value: p.Value}
	}
	return needed
}
