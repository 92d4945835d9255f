package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// interpreter is the Python that runs a program, plugin or pack.
type interpreter struct {
	path string
	venv string // empty: the ambient Python
}

// command makes a command that runs in the virtual environment as if it had been activated.
func (p interpreter) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.path, args...)
	cmd.Env = p.environment(os.Environ())
	return cmd
}

func (p interpreter) environment(environ []string) []string {
	if p.venv == "" {
		return environ
	}
	return toolchain.ActivateVirtualEnv(environ, p.venv)
}

// resolve finds the interpreter that the runtime options ask for. A `uv` environment is used as it stands, not synced:
// a preview must neither touch the network nor change what is installed.
func resolve(ctx context.Context, info *pulumirpc.ProgramInfo, pipDefault string) (interpreter, error) {
	options, err := parseOptions(info)
	if err != nil {
		return interpreter{}, err
	}
	detect(&options)
	switch options.Toolchain {
	case toolchain.Uv:
		directory := uvProject(options.ProgramDir)
		return inVenv(uvVenv(options, directory), fmt.Sprintf("cd %s && uv sync", directory))
	case toolchain.Poetry:
		return poetry(ctx, options)
	}
	venv := options.Virtualenv
	if venv == "" {
		venv = pipDefault
	}
	if venv == "" {
		return ambient()
	}
	venv = under(options.Root, venv)
	return inVenv(venv, fmt.Sprintf("python3 -m venv %s && %s/bin/pip install -r requirements.txt", venv, venv))
}

// parseOptions reads runtime.options of Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml.
func parseOptions(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	options := toolchain.PythonOptions{Root: info.GetRootDirectory(), ProgramDir: info.GetProgramDirectory()}
	for name, value := range info.GetOptions().AsMap() {
		given := fmt.Sprint(value)
		switch {
		case name == "virtualenv":
			options.Virtualenv = given
		case name == "toolchain" && given == "pip":
			options.Toolchain = toolchain.Pip
		case name == "toolchain" && given == "uv":
			options.Toolchain = toolchain.Uv
		case name == "toolchain" && given == "poetry":
			options.Toolchain = toolchain.Poetry
		case name == "toolchain":
			return options, fmt.Errorf("unknown Python toolchain\n  where: runtime.options.toolchain, %s\n"+
				"  given: %s\n  allowed: pip, poetry, uv", options.Root, given)
		}
	}
	return options, nil
}

// detect picks the toolchain by the nearest lock file where none was asked for, as the official host does.
func detect(options *toolchain.PythonOptions) {
	if options.Toolchain != toolchain.Auto {
		return
	}
	switch {
	case nearest(options.ProgramDir, "uv.lock") != "":
		options.Toolchain = toolchain.Uv
	case nearest(options.ProgramDir, "poetry.lock") != "":
		options.Toolchain = toolchain.Poetry
	default:
		options.Toolchain = toolchain.Pip
	}
}

// nearest returns the folder at or above directory that holds name, or "".
func nearest(directory, name string) string {
	for {
		if _, err := os.Stat(filepath.Join(directory, name)); err == nil {
			return directory
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return ""
		}
		directory = parent
	}
}

// uvProject is the folder whose environment uv would use.
func uvProject(directory string) string {
	for _, mark := range []string{"uv.lock", "pyproject.toml"} {
		if found := nearest(directory, mark); found != "" {
			return found
		}
	}
	return directory
}

func uvVenv(options toolchain.PythonOptions, project string) string {
	if options.Virtualenv != "" {
		return under(options.Root, options.Virtualenv)
	}
	if environment := os.Getenv("UV_PROJECT_ENVIRONMENT"); environment != "" {
		return under(project, environment)
	}
	return filepath.Join(project, ".venv")
}

func under(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

func poetry(ctx context.Context, options toolchain.PythonOptions) (interpreter, error) {
	chain, err := toolchain.ResolveToolchain(options)
	if err != nil {
		return interpreter{}, err
	}
	venv, err := chain.VirtualEnvPath(ctx)
	if err != nil {
		return interpreter{}, err
	}
	return inVenv(venv, "poetry install")
}

func inVenv(venv, hint string) (interpreter, error) {
	if !toolchain.IsVirtualEnv(venv) {
		return interpreter{}, fmt.Errorf("no Python environment\n  where: %s\n  given: no bin/python there\n  hint: %s", venv, hint)
	}
	return interpreter{path: filepath.Join(venv, "bin", "python"), venv: venv}, nil
}

// ambient is the Python on PATH, or the one that PULUMI_PYTHON_CMD names.
func ambient() (interpreter, error) {
	names := []string{"python3", "python"}
	if asked := os.Getenv("PULUMI_PYTHON_CMD"); asked != "" {
		names = []string{asked}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return interpreter{path: path}, nil
		}
	}
	return interpreter{}, fmt.Errorf("no Python found\n  given: %s\n  hint: name the environment in runtime.options.virtualenv",
		strings.Join(names, ", "))
}
