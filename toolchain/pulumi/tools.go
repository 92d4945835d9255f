//go:build tools

// Package tools pins the Pulumi engine: what go.mod and go.sum name is what gets built.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
