package aws

import (
	"context"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const tracerName = "github.com/elava-dev/elava/provider/aws"

// traceCalls gives every call a span, attempts and waiting included. Names and attributes
// are those of OpenTelemetry's semantic conventions for the AWS SDK.
func traceCalls(p trace.TracerProvider) func(*middleware.Stack) error {
	tracer := p.Tracer(tracerName)
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("elavaTraceCalls",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
				middleware.InitializeOutput, middleware.Metadata, error,
			) {
				service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
				ctx, span := tracer.Start(ctx, service+"."+operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
					attribute.String("rpc.system", "aws-api"),
					attribute.String("rpc.service", service),
					attribute.String("rpc.method", operation),
					attribute.String("cloud.region", awsmiddleware.GetRegion(ctx)),
				))
				defer span.End()
				out, md, err := next.HandleInitialize(ctx, in)
				if err != nil {
					code, _ := codeLabel(err)
					span.SetAttributes(attribute.String("error.type", code))
					span.SetStatus(codes.Error, code)
				}
				return out, md, err
			}), middleware.After) // behind the SDK's own, which tells service and operation
	}
}
