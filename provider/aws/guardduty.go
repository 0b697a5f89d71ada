package aws

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"

	"github.com/elava-dev/elava/resource"
)

// guarddutyPage is the most that ListDetectors gives (GuardDuty API Reference).
const guarddutyPage = 50

func guarddutyCollectors() []lister { return []lister{guarddutyDetectors()} }

type detector struct {
	DetectorId string
	guardduty.GetDetectorOutput
}

func guarddutyDetectors() lister {
	return &collector[detector]{
		rules: resource.Schema{
			Type: "AWS::GuardDuty::Detector", Version: 1,
			Omit: []string{
				"Tags", "Status",
				"UpdatedAt", "Features.UpdatedAt", "Features.AdditionalConfiguration.UpdatedAt", // follow the rest
				"DataSources.MalwareProtection.ScanEc2InstanceWithFindings.EbsVolumes.Reason",
			},
			Sets: map[string]string{"Features": "{Name}", "Features.AdditionalConfiguration": "{Name}"},
		},
		action: "guardduty:ListDetectors",
		pages: func(cfg aws.Config) source[detector] {
			return paged(guardduty.NewFromConfig(cfg).ListDetectors,
				func(token *string) *guardduty.ListDetectorsInput {
					return &guardduty.ListDetectorsInput{MaxResults: aws.Int32(guarddutyPage), NextToken: token}
				},
				func(o *guardduty.ListDetectorsOutput) ([]detector, *string) {
					return converted(o.DetectorIds, func(id string) detector { return detector{DetectorId: id} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[detector] {
			return []detail[detector]{describing("guardduty:GetDetector", guardduty.NewFromConfig(cfg).GetDetector,
				func(d *detector) *guardduty.GetDetectorInput {
					return &guardduty.GetDetectorInput{DetectorId: &d.DetectorId}
				},
				func(d *detector, o *guardduty.GetDetectorOutput) bool {
					d.GetDetectorOutput = *o
					return o.Status != ""
				})}
		},
		arn: "arn:{partition}:guardduty:{region}:{account}:detector/{id}",
		read: func(d *detector) facts {
			return facts{ID: &d.DetectorId, Status: string(d.Status), Created: timeIn(d.CreatedAt), Tags: d.Tags}
		},
	}
}

// timeIn reads a time in the form of RFC 3339, nil where it is none.
func timeIn(s *string) *time.Time {
	t, err := time.Parse(time.RFC3339, aws.ToString(s))
	if err != nil {
		return nil
	}
	return &t
}
