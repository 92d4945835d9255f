package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/protobuf/types/known/emptypb"
)

// bail is the exit code by which the start script says that the user has been told already.
const bail = 32

// languageHost serves pulumirpc.LanguageRuntime. Generating SDKs, packing and linking are left to the official host:
// the engine reports them as unimplemented.
type languageHost struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	executor, engine, tracing string
	children                  *children
}

func (h *languageHost) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	if request.GetEngineAddress() != "" {
		h.engine = request.GetEngineAddress()
	}
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *languageHost) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

func (h *languageHost) GetRequiredPackages(
	ctx context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, err := resolve(ctx, request.GetInfo(), "")
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetRequiredPackagesResponse{}
	for _, one := range distributions(python) {
		if needed := requiredPackage(one); needed != nil {
			response.Packages = append(response.Packages, needed)
		}
	}
	return response, nil
}

// Run runs the program to its end. Its output is ours: the same file descriptors, so nothing is cut or reordered.
func (h *languageHost) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	if request.GetAttachDebugger() {
		return &pulumirpc.RunResponse{Error: "this language host attaches no debugger: use the official Pulumi CLI"}, nil
	}
	if checker := request.GetInfo().GetOptions().GetFields()["typechecker"].GetStringValue(); checker != "" {
		fmt.Fprintf(os.Stderr, "warning: this language host does not run %s, the typechecker asked for: run it yourself\n", checker)
	}
	python, err := resolve(ctx, request.GetInfo(), "")
	if err != nil {
		return nil, err
	}
	cmd := python.command(h.programArguments(request)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(cmd.Env, configEnvironment(request.GetConfig(), request.GetConfigSecretKeys())...)
	return runResponse(h.run(ctx, cmd)), nil
}

func (h *languageHost) run(ctx context.Context, cmd *exec.Cmd) error {
	if err := h.children.start(cmd); err != nil {
		return err
	}
	return h.children.wait(ctx, cmd)
}

func (h *languageHost) programArguments(request *pulumirpc.RunRequest) []string {
	arguments := []string{h.executor}
	for _, pair := range [][2]string{
		{"--monitor", request.GetMonitorAddress()},
		{"--engine", h.engine},
		{"--project", request.GetProject()},
		{"--root_directory", request.GetInfo().GetRootDirectory()},
		{"--stack", request.GetStack()},
		{"--pwd", request.GetPwd()},
		{"--dry_run", strconv.FormatBool(request.GetDryRun())},
		{"--parallel", strconv.Itoa(int(request.GetParallel()))},
		{"--tracing", h.tracing},
		{"--organization", request.GetOrganization()},
	} {
		if pair[1] != "" {
			arguments = append(arguments, pair[0], pair[1])
		}
	}
	return append(append(arguments, request.GetInfo().GetEntryPoint()), request.GetArgs()...)
}

func configEnvironment(config map[string]string, secretKeys []string) []string {
	if config == nil {
		config = map[string]string{} // the SDK takes an empty object, not null
	}
	values, _ := json.Marshal(config) // text to text: cannot fail
	keys, _ := json.Marshal(append([]string{}, secretKeys...))
	return []string{"PULUMI_CONFIG=" + string(values), "PULUMI_CONFIG_SECRET_KEYS=" + string(keys)}
}

func runResponse(err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case errors.As(err, &exit) && exit.ExitCode() == bail:
		return &pulumirpc.RunResponse{Bail: true}
	case errors.As(err, &exit) && exit.Exited():
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode())}
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: "program ended by " + exit.String()}
	}
	return &pulumirpc.RunResponse{Error: fmt.Sprintf("program did not start: %v", err)}
}

func (h *languageHost) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	python, err := resolve(ctx, request.GetInfo(), "")
	if err != nil {
		return nil, err
	}
	printed, err := exec.CommandContext(ctx, python.path, "--version").Output()
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{
		Executable: python.path,
		Version:    strings.TrimSpace(strings.TrimPrefix(string(printed), "Python ")),
		Metadata:   map[string]string{"language host": "stand-in of quietcore"},
	}, nil
}

func (h *languageHost) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, err := resolve(ctx, request.GetInfo(), "")
	if err != nil {
		return nil, err
	}
	listed := distributions(python)
	if !request.GetTransitiveDependencies() {
		listed = topLevel(listed)
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, one := range listed {
		response.Dependencies = append(response.Dependencies, &pulumirpc.DependencyInfo{Name: one.name, Version: one.version})
	}
	return response, nil
}

// InstallDependencies is asked for by `pulumi install` and `pulumi new` only: the SDK's own code does it.
func (h *languageHost) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest, server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	options, err := parseOptions(request.GetInfo())
	if err != nil {
		return err
	}
	detect(&options)
	if request.GetIsPlugin() && options.Toolchain == toolchain.Pip && options.Virtualenv == "" {
		options.Virtualenv = pluginVenv
	}
	chain, err := toolchain.ResolveToolchain(options)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, request.GetIsTerminal())
	if err != nil {
		return err
	}
	err = chain.InstallDependencies(server.Context(), request.GetInfo().GetProgramDirectory(),
		request.GetUseLanguageVersionTools(), true, stdout, stderr)
	return errors.Join(err, closer.Close())
}

// RuntimeOptionsPrompts asks nothing: the toolchain is told by the lock file.
func (h *languageHost) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}
