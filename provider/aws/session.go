package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"go.opentelemetry.io/otel/trace"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

// fallbackRegion is asked for the account and its regions where neither the options
// nor the SDK's configuration name a region.
const fallbackRegion = "us-east-1"

const actionDescribeRegions = "ec2:DescribeRegions"

// loader makes sessions from the SDK's configuration.
type loader struct {
	load        func(context.Context) (aws.Config, error)
	home        string
	httpClient  aws.HTTPClient
	maxAttempts int
	counters    *callCounters
	tracers     trace.TracerProvider
	limiter     *limiter
	logger      *slog.Logger
}

// session is one reading of the SDK's configuration and, once identified, the account
// that its credentials belong to. It does not change but for distrusted.
type session struct {
	cfg       aws.Config
	closeIdle func()
	roles     *roleCache // that were assumed with these credentials
	limiter   *limiter   // of the calls into the account

	account, partition string

	// distrusted is set when a call said that the credentials do not work: the next
	// Plan reads the configuration anew.
	distrusted atomic.Bool
}

// session reads the configuration.
func (l *loader) session(ctx context.Context) (*session, error) {
	load := l.load
	if load == nil {
		load = l.loadDefault
	}
	cfg, err := load(ctx)
	if err != nil {
		return nil, &provider.Error{
			Reason: provider.ReasonNoCredentials,
			Err:    &callError{text: "reading the AWS configuration: " + stable(err.Error()), err: err},
			Hint:   "correct AWS_PROFILE, AWS_CONFIG_FILE or the files in ~/.aws",
		}
	}
	if l.home != "" {
		cfg.Region = l.home
	} else if cfg.Region == "" {
		cfg.Region = fallbackRegion
	}
	if l.httpClient != nil {
		cfg.HTTPClient = l.httpClient
	}
	client := newHTTPClient(cfg.HTTPClient)
	cfg.HTTPClient = client
	if cfg.Retryer == nil && cfg.RetryMode != aws.RetryModeAdaptive {
		cfg.Retryer = newRetryer(l.maxAttempts)
	}
	if cfg.Credentials != nil {
		cfg.Credentials = taggedCredentials{cfg.Credentials}
	}
	if cfg.AppID == "" {
		cfg.AppID = "elava"
	}
	cfg.Logger = sdkLogger(l.logger)
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), traceCalls(l.tracers), l.counters.instrument, checkAnswers)
	return &session{cfg: cfg, closeIdle: client.closeIdle, roles: newRoleCache(), limiter: l.limiter}, nil
}

// loadDefault reads the environment, the shared files and the metadata of instances
// and containers. It keeps the SDK's own HTTP client type: only that one gives the
// instance metadata service its short time limits (feature/ec2/imds: 250 ms to
// connect, 500 ms for an answer) and takes AWS_CA_BUNDLE.
func (l *loader) loadDefault(ctx context.Context) (aws.Config, error) {
	home := l.home
	if home == "" {
		home = fallbackRegion
	}
	return config.LoadDefaultConfig(ctx,
		config.WithDefaultRegion(home), // for AssumeRole of profiles without a region
		config.WithHTTPClient(newBuildableClient()),
		config.WithLogger(sdkLogger(l.logger)),
	)
}

func sdkLogger(logger *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(class logging.Classification, format string, v ...any) {
		logger.Debug("AWS SDK: "+fmt.Sprintf(format, v...), "class", string(class))
	})
}

// home is the region that answers for what belongs to none.
func (s *session) home() string { return s.cfg.Region }

// config returns the configuration for one region, whose calls keep to the budget.
func (s *session) config(region string) aws.Config {
	cfg := s.cfg.Copy()
	cfg.Region = region
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), s.limiter.pace(s.account))
	return cfg
}

// identified asks STS whose credentials these are and returns a session of that
// account.
func (s *session) identified(ctx context.Context) (*session, error) {
	out, err := sts.NewFromConfig(s.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, classify(err, "")
	}
	id, err := arn.Parse(aws.ToString(out.Arn))
	if err == nil && aws.ToString(out.Account) == "" {
		err = errors.New("no account")
	}
	if err != nil {
		return nil, badAnswer("sts GetCallerIdentity: %w", err)
	}
	return &session{
		cfg: s.cfg, closeIdle: s.closeIdle, roles: s.roles, limiter: s.limiter,
		account: aws.ToString(out.Account), partition: id.Partition,
	}, nil
}

// enabledRegions returns the regions that are enabled for the account, sorted.
func (s *session) enabledRegions(ctx context.Context) ([]string, error) {
	// Without AllRegions the answer holds the enabled ones only (EC2 API Reference,
	// DescribeRegions).
	out, err := ec2.NewFromConfig(s.config(s.home())).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		return nil, classify(err, actionDescribeRegions)
	}
	var names []string
	for _, r := range out.Regions {
		if name := aws.ToString(r.RegionName); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, badAnswer("ec2 DescribeRegions: no region is enabled")
	}
	slices.Sort(names)
	return names, nil
}

// disabled reports whether a region is certainly not enabled for the account. Where the
// question cannot be asked, nothing is certain.
func (s *session) disabled(ctx context.Context, region string) bool {
	out, err := ec2.NewFromConfig(s.config(s.home())).DescribeRegions(ctx, &ec2.DescribeRegionsInput{
		AllRegions: aws.Bool(true), RegionNames: []string{region},
	})
	if err != nil {
		return false
	}
	return slices.ContainsFunc(out.Regions, func(r types.Region) bool {
		return aws.ToString(r.RegionName) == region && aws.ToString(r.OptInStatus) == "not-opted-in"
	})
}

// regionFor returns the region that is asked for a scope. An error says that the partition
// has no such service.
func (s *session) regionFor(scope resource.Scope, l lister) (string, error) {
	if scope.Region != resource.Global {
		return scope.Region, nil
	}
	home, offered := l.home(s.partition)
	if !offered {
		return "", &provider.Error{
			Reason: provider.ReasonUnavailable, Err: fmt.Errorf("aws: partition %s has no %s", s.partition, scope.Type),
			Hint: "leave the type out",
		}
	}
	return cmp.Or(home, s.home()), nil
}

// answers reports whether a region certainly answers now: EC2 has an endpoint in every one. A
// refusal is an answer.
func (s *session) answers(ctx context.Context, region string) bool {
	_, err := ec2.NewFromConfig(s.config(region)).DescribeRegions(ctx, &ec2.DescribeRegionsInput{RegionNames: []string{region}})
	return err == nil || errorCode(err) != ""
}

// explain turns a failure in a region that is certainly not enabled, or of a service that has
// no endpoint there, into one that says so.
func (s *session) explain(ctx context.Context, region string, err error) error {
	var (
		what      string
		otherwise error
	)
	switch host := unknownHost(err); {
	case looksDisabled(err) && region != s.home() && s.disabled(ctx, region):
		what = "region " + region + " is not enabled for the account"
	case host != "" && s.cfg.BaseEndpoint == nil && s.answers(ctx, region):
		what, otherwise = "the service is not offered in region "+region+": there is no "+host, err
	default:
		return err
	}
	return &provider.Error{
		Reason: provider.ReasonUnavailable, Err: errors.New("aws: " + what), Hint: hintFor(provider.ReasonUnavailable, "", ""),
		Otherwise: otherwise,
	}
}

// taggedCredentials marks the failures of credentials, which otherwise look like
// failures of the call that needed them.
type taggedCredentials struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (c taggedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	v, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err}
	}
	return v, err
}
