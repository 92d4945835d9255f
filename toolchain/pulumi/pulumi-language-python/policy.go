package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A Python pack reads the stack's configuration from its environment when it starts, but the engine tells it by a call
// after the start. So the engine talks to packProxy, which starts the pack when that call comes and passes all others on
// as bytes, undecoded.

const (
	handshake      = pulumirpc.Analyzer_Handshake_FullMethodName
	configureStack = pulumirpc.Analyzer_ConfigureStack_FullMethodName

	maxMessage = 400 << 20 // the engine's own limit (rpcutil)
)

func (h *languageHost) runPack(ctx context.Context, request *pulumirpc.RunPluginRequest, stream *outputStream) error {
	python, err := resolve(ctx, request.GetInfo(), "")
	if err != nil {
		return err
	}
	proxy := &packProxy{configured: make(chan *pulumirpc.AnalyzerStackConfigureRequest, 1), ready: make(chan struct{})}
	defer proxy.fail(errors.New("the policy pack has ended"))
	port, stop, err := proxy.listen()
	if err != nil {
		return err
	}
	defer stop()
	if _, err := fmt.Fprintf(stream.stdout(), "%d\n", port); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case configuration := <-proxy.configured:
		cmd := packCommand(python, request, configuration)
		cmd.Stdout = &portLine{found: func(port int) { proxy.connect(ctx, port, configuration) }, rest: stream.stdout()}
		cmd.Stderr = stream.stderr()
		return h.run(ctx, cmd)
	}
}

// packCommand runs the pack in its own folder. The engine's arguments hold only its address.
func packCommand(
	python interpreter, request *pulumirpc.RunPluginRequest, configuration *pulumirpc.AnalyzerStackConfigureRequest,
) *exec.Cmd {
	directory := request.GetInfo().GetProgramDirectory()
	arguments := append([]string{"-u", "-m", "pulumi.policy"}, request.GetArgs()...)
	cmd := python.command(append(arguments, directory)...)
	cmd.Dir = directory
	cmd.Env = append(python.environment(request.GetEnv()), packEnvironment(configuration)...)
	return cmd
}

// packEnvironment is nil where the engine runs the pack without a stack, as `pulumi policy publish` does.
func packEnvironment(configuration *pulumirpc.AnalyzerStackConfigureRequest) []string {
	if configuration == nil {
		return nil
	}
	environment := append(configEnvironment(configuration.GetConfig(), configuration.GetConfigSecretKeys()),
		"PULUMI_PROJECT="+configuration.GetProject(),
		"PULUMI_STACK="+configuration.GetStack(),
		"PULUMI_DRY_RUN="+strconv.FormatBool(configuration.GetDryRun()))
	if organization := configuration.GetOrganization(); organization != "" {
		environment = append(environment, "PULUMI_ORGANIZATION="+organization)
	}
	return environment
}

// packProxy serves pulumirpc.Analyzer in front of the pack.
type packProxy struct {
	configured chan *pulumirpc.AnalyzerStackConfigureRequest
	first      sync.Once

	settled sync.Once
	ready   chan struct{} // closed when pack or failure is set
	pack    *grpc.ClientConn
	failure error
}

func (p *packProxy) listen() (int, func(), error) {
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.UnknownServiceHandler(p.handle),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	go func() { _ = server.Serve(listening) }()
	return listening.Addr().(*net.TCPAddr).Port, server.Stop, nil
}

func (p *packProxy) handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	response, err := p.answer(stream.Context(), method, request)
	if err != nil {
		return err
	}
	return stream.SendMsg(&response)
}

func (p *packProxy) answer(ctx context.Context, method string, request []byte) ([]byte, error) {
	switch method {
	case handshake:
		return nil, nil // an empty response
	case configureStack:
		configuration := &pulumirpc.AnalyzerStackConfigureRequest{}
		if err := proto.Unmarshal(request, configuration); err != nil {
			return nil, err
		}
		p.configure(configuration)
		return nil, nil
	}
	p.configure(nil)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ready:
	}
	if p.failure != nil {
		return nil, status.Error(codes.Unavailable, p.failure.Error())
	}
	return p.call(ctx, method, request)
}

func (p *packProxy) call(ctx context.Context, method string, request []byte) (response []byte, err error) {
	err = p.pack.Invoke(ctx, method, &request, &response, grpc.ForceCodecV2(rawCodec{}))
	return response, err
}

// configure lets the pack start, once.
func (p *packProxy) configure(configuration *pulumirpc.AnalyzerStackConfigureRequest) {
	p.first.Do(func() { p.configured <- configuration })
}

// connect reaches the pack at its port and hands it what the engine told us. Packs older than that call say
// Unimplemented, which is fine.
func (p *packProxy) connect(ctx context.Context, port int, configuration *pulumirpc.AnalyzerStackConfigureRequest) {
	pack, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(port),
		grpc.WithTransportCredentials(insecure.NewCredentials()), rpcutil.GrpcChannelOptions())
	if err != nil {
		p.fail(err)
		return
	}
	if configuration != nil {
		_, err = pulumirpc.NewAnalyzerClient(pack).ConfigureStack(ctx, configuration)
	}
	if err != nil && status.Code(err) != codes.Unimplemented {
		p.fail(fmt.Errorf("the policy pack refused the stack's configuration: %w", err))
		return
	}
	p.settled.Do(func() { p.pack = pack; close(p.ready) })
}

func (p *packProxy) fail(err error) {
	p.settled.Do(func() { p.failure = err; close(p.ready) })
}

// portLine takes the first line of the pack's output, its port, and passes on the rest.
type portLine struct {
	found func(port int)
	rest  io.Writer
	head  []byte
	done  bool
}

func (l *portLine) Write(data []byte) (int, error) {
	if l.done {
		return l.rest.Write(data)
	}
	l.head = append(l.head, data...)
	for !l.done {
		line, rest, complete := bytes.Cut(l.head, []byte("\n"))
		if !complete {
			return len(data), nil
		}
		l.head = rest
		if port, err := strconv.Atoi(strings.TrimSpace(string(line))); err == nil {
			l.done = true
			go l.found(port)
		} else if _, err := l.rest.Write(append(line, '\n')); err != nil { // printed before the pack served: the user's words
			return 0, err
		}
	}
	if len(l.head) == 0 {
		return len(data), nil
	}
	_, err := l.rest.Write(l.head)
	return len(data), err
}

// rawCodec passes messages through as they are.
type rawCodec struct{}

var _ encoding.CodecV2 = rawCodec{}

func (rawCodec) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*message.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

func (rawCodec) Name() string { return "proto" }
