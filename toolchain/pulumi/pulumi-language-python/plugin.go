package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// pluginVenv is the environment of a plugin that names none: the official host never runs plugins on the ambient Python.
const pluginVenv = "venv"

// RunPlugin runs a plugin or policy pack to its end, streaming its output as bytes.
func (h *languageHost) RunPlugin(
	request *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	stream := &outputStream{server: server}
	err := h.runPlugin(request, stream)
	stream.close()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := int32(exit.ExitCode()) //nolint:gosec // exit codes have 8 bits
		return server.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: code}})
	}
	return err
}

func (h *languageHost) runPlugin(request *pulumirpc.RunPluginRequest, stream *outputStream) error {
	ctx := stream.server.Context()
	if request.GetKind() == string(apitype.AnalyzerPlugin) {
		return h.runPack(ctx, request, stream)
	}
	python, err := resolve(ctx, request.GetInfo(), pluginVenv)
	if err != nil {
		return err
	}
	arguments, err := pluginArguments(request)
	if err != nil {
		return err
	}
	cmd := python.command(arguments...)
	cmd.Dir = request.GetPwd()
	cmd.Env = python.environment(request.GetEnv())
	cmd.Stdout, cmd.Stderr = stream.stdout(), stream.stderr()
	return h.run(ctx, cmd)
}

// pluginArguments starts the folder's __main__.py, or else the buildable distribution that the folder holds.
func pluginArguments(request *pulumirpc.RunPluginRequest) ([]string, error) {
	directory := request.GetInfo().GetProgramDirectory()
	if _, err := os.Stat(filepath.Join(directory, "__main__.py")); err == nil {
		return append([]string{"-u", directory}, request.GetArgs()...), nil
	}
	if buildable, err := toolchain.IsBuildablePackage(directory); err != nil || !buildable {
		return nil, errors.Join(err, fmt.Errorf("nothing to run in the plugin\n  where: %s\n"+
			"  allowed: a __main__.py, or a pyproject.toml with a build system", directory))
	}
	project, err := toolchain.LoadPyproject(directory)
	if err != nil {
		return nil, err
	}
	return append([]string{"-u", "-m", "pulumi.run.plugin", project.Project.Name}, request.GetArgs()...), nil
}

// outputStream sends what a plugin writes. A gRPC stream takes one sender at a time and none after its handler has
// returned: the mutex sees to both.
type outputStream struct {
	server pulumirpc.LanguageRuntime_RunPluginServer
	mutex  sync.Mutex
	closed bool
}

func (s *outputStream) stdout() io.Writer {
	return writerFunc(func(data []byte) error {
		return s.send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: data}})
	})
}

func (s *outputStream) stderr() io.Writer {
	return writerFunc(func(data []byte) error {
		return s.send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: data}})
	})
}

func (s *outputStream) send(response *pulumirpc.RunPluginResponse) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return io.ErrClosedPipe
	}
	return s.server.Send(response)
}

func (s *outputStream) close() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closed = true
}

type writerFunc func([]byte) error

func (send writerFunc) Write(data []byte) (int, error) {
	if err := send(data); err != nil {
		return 0, err
	}
	return len(data), nil
}
