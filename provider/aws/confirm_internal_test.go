package aws

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go/middleware"
)

// unconfirmed are the types of EC2 whose list has no filter by id (EC2 API Reference).
var unconfirmed = []string{
	"AWS::EC2::CapacityReservation", "AWS::EC2::EC2Fleet", "AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::Host",
	"AWS::EC2::LaunchTemplate", "AWS::EC2::SpotFleet",
}

// confirmsBy returns the filters by which a collector asks for some ids, and whether it does.
func confirmsBy(t *testing.T, c lister, ids []string) ([]types.Filter, bool) {
	t.Helper()
	only := field(c, "only")
	if only.IsNil() {
		return nil, false
	}
	var filters []types.Filter
	cfg := aws.Config{Region: fallbackRegion, APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("filters",
			func(_ context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (
				out middleware.InitializeOutput, md middleware.Metadata, err error,
			) {
				request := reflect.ValueOf(in.Parameters).Elem()
				for _, name := range []string{"Filters", "Filter"} {
					if f := request.FieldByName(name); f.IsValid() {
						filters = f.Interface().([]types.Filter)
					}
				}
				return out, md, errEnough
			}), middleware.Before)
	}}}
	c.(interface{ walkOnly(aws.Config, []string) }).walkOnly(cfg, ids)
	return filters, true
}

func (c *collector[T]) walkOnly(cfg aws.Config, ids []string) {
	_ = c.only(cfg, ids).walk(context.Background(), func([]T) error { return nil })
}

// EC2 says of all its lists that they are eventually consistent, so whatever can be asked for
// by its id is.
func TestEC2_AllThatHaveAFilterByIDAreConfirmed(t *testing.T) {
	ids := []string{"x-1", "x-2"}
	confirmed := 0
	for _, c := range collectors() {
		typ := c.schema().Type
		filters, confirms := confirmsBy(t, c, ids)
		if want := strings.HasPrefix(typ, "AWS::EC2::") && !slices.Contains(unconfirmed, typ); confirms != want {
			t.Errorf("%s: absence is confirmed: %v, want %v", typ, confirms, want)
		}
		if !confirms {
			continue
		}
		confirmed++
		if len(filters) != 1 || !slices.Equal(filters[0].Values, ids) {
			t.Errorf("%s asks with the filters %v", typ, filters)
		}
	}
	if confirmed != 28 {
		t.Errorf("%d types are confirmed", confirmed)
	}
}
