// pulumi-language-python stands in for the official Python language host where only package registries are at hand:
// the official one is published neither as a Go module nor on PyPI. It serves what preview, up, Python plugins and
// Python policy packs need, and says plainly what it does not serve.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

func main() {
	parent := os.Getppid()
	children := newChildren()
	go endOnSignal(children)
	dieWithParent(parent)
	if err := serve(children); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-language-python: %v\n", err)
		os.Exit(1)
	}
}

// serve prints the port, as the engine expects on the first line of standard output, and serves until the engine ends us.
func serve(children *children) error {
	executor, err := executorPath()
	if err != nil {
		return err
	}
	engine, tracing := engineArguments(os.Args[1:])
	host := &languageHost{executor: executor, engine: engine, tracing: tracing, children: children}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Init: func(server *grpc.Server) error {
		pulumirpc.RegisterLanguageRuntimeServer(server, host)
		return nil
	}})
	if err != nil {
		return err
	}
	fmt.Printf("%d\n", handle.Port)
	return <-handle.Done
}

// executorPath finds the SDK's own start script, which the bootstrap puts beside this program.
func executorPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(self), "pulumi-language-python-exec")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is missing\n  hint: build the engine again with `make tools`", path)
	}
	return path, nil
}

// engineArguments reads the engine's address, the only bare argument. Unknown flags of a newer engine are let through.
func engineArguments(args []string) (engine, tracing string) {
	for i := 0; i < len(args); i++ {
		name, value, assigned := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		switch {
		case !strings.HasPrefix(args[i], "-"):
			engine = args[i]
		case name == "tracing" && assigned:
			tracing = value
		case name == "tracing" && i+1 < len(args):
			i++
			tracing = args[i]
		}
	}
	return engine, tracing
}

// endOnSignal ends the children, then this process. The engine sends SIGINT and waits five seconds before it kills.
func endOnSignal(children *children) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	<-signals
	children.endAll()
	os.Exit(0)
}

// dieWithParent asks the kernel to signal this process when the engine is gone, however it went.
func dieWithParent(parent int) {
	const prSetPdeathsig = 1 // linux/prctl.h
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGTERM), 0)
	if os.Getppid() != parent { // it went before the kernel was asked
		os.Exit(0)
	}
}
