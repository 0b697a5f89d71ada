package populationtest

import (
	"context"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/emr"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// NameHostOfEMR is an API option for clients of moto in several regions. moto takes the region
// of EMR from the host of a request alone, where it takes that of other services from the
// signature; at an address of its own, all that EMR has is in us-east-1 without it.
func NameHostOfEMR(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("NameHostOfEMR", func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
		if r, isHTTP := in.Request.(*smithyhttp.Request); isHTTP && awsmiddleware.GetServiceID(ctx) == emr.ServiceID {
			r.Host = "elasticmapreduce." + awsmiddleware.GetRegion(ctx) + ".amazonaws.com"
		}
		return next.HandleBuild(ctx, in)
	}), middleware.After)
}
