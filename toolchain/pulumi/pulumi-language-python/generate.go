package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/pulumi/pulumi/pkg/v3/codegen/hcl2/syntax"
	"github.com/pulumi/pulumi/pkg/v3/codegen/pcl"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/contract"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	codegenrpc "github.com/pulumi/pulumi/sdk/v3/proto/go/codegen"
)

// GenerateProgram writes Python for what `pulumi import` has found, with the SDK's own generator.
func (h *languageHost) GenerateProgram(
	_ context.Context, request *pulumirpc.GenerateProgramRequest,
) (*pulumirpc.GenerateProgramResponse, error) {
	loader, err := schema.NewLoaderClient(request.GetLoaderTarget())
	if err != nil {
		return nil, err
	}
	defer contract.IgnoreClose(loader)

	parser := syntax.NewParser()
	for path, text := range request.GetSource() {
		if err := parser.ParseFile(strings.NewReader(text), path); err != nil {
			return nil, err
		}
	}
	if parser.Diagnostics.HasErrors() {
		return &pulumirpc.GenerateProgramResponse{Diagnostics: told(parser.Diagnostics)}, nil
	}

	var options []pcl.BindOption
	if !request.GetStrict() {
		options = pcl.NonStrictBindOptions()
	}
	program, diagnostics, err := pcl.BindProgram(parser.Files, schema.NewCachedLoader(loader), options...)
	if err != nil {
		return nil, fmt.Errorf("reading the program to write: %w", err)
	}
	if program == nil || diagnostics.HasErrors() {
		return &pulumirpc.GenerateProgramResponse{Diagnostics: told(diagnostics)}, nil
	}

	files, more, err := python.GenerateProgram(program)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GenerateProgramResponse{Source: files, Diagnostics: told(append(diagnostics, more...))}, nil
}

// told hands the generator's diagnostics to the engine.
func told(diagnostics hcl.Diagnostics) []*codegenrpc.Diagnostic {
	answer := make([]*codegenrpc.Diagnostic, len(diagnostics))
	for index, one := range diagnostics {
		answer[index] = plugin.HclDiagnosticToRPCDiagnostic(one)
	}
	return answer
}
