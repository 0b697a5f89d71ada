package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/fsx"
	"github.com/aws/aws-sdk-go-v2/service/fsx/types"

	"github.com/elava-dev/elava/resource"
)

func fsxCollectors() []lister { return []lister{fsxFileSystems()} }

// fsxFileSystems asks for no page size: FSx gives pages of its own maximum (Amazon FSx
// API Reference, DescribeFileSystems).
func fsxFileSystems() lister {
	return &collector[types.FileSystem]{
		rules: resource.Schema{
			Type: "AWS::FSx::FileSystem", Version: 1,
			Omit: []string{"Tags", "Lifecycle", "AdministrativeActions"}, // a log of work, with its progress
			Sets: map[string]string{
				"LustreConfiguration.RootSquashConfiguration.NoSquashNids": "",
				"NetworkInterfaceIds": "",
				"OntapConfiguration.Endpoints.Intercluster.IpAddresses":               "",
				"OntapConfiguration.Endpoints.Intercluster.Ipv6Addresses":             "",
				"OntapConfiguration.Endpoints.Management.IpAddresses":                 "",
				"OntapConfiguration.Endpoints.Management.Ipv6Addresses":               "",
				"OntapConfiguration.RouteTableIds":                                    "",
				"OpenZFSConfiguration.RouteTableIds":                                  "",
				"SubnetIds":                                                           "",
				"WindowsConfiguration.Aliases":                                        "{Name}",
				"WindowsConfiguration.MaintenanceOperationsInProgress":                "",
				"WindowsConfiguration.SelfManagedActiveDirectoryConfiguration.DnsIps": "",
			},
			Secrets: []string{"OntapConfiguration.FsxAdminPassword"},
		},
		action: "fsx:DescribeFileSystems",
		pages: func(cfg aws.Config) source[types.FileSystem] {
			return paged(fsx.NewFromConfig(cfg).DescribeFileSystems,
				func(token *string) *fsx.DescribeFileSystemsInput {
					return &fsx.DescribeFileSystemsInput{NextToken: token}
				},
				func(o *fsx.DescribeFileSystemsOutput) ([]types.FileSystem, *string) {
					return o.FileSystems, o.NextToken
				})
		},
		arn: "arn:{partition}:fsx:{region}:{account}:file-system/{id}",
		read: func(fs *types.FileSystem) facts {
			tags := tagMap(fs.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
			return facts{
				ID: fs.FileSystemId, ARN: fs.ResourceARN, Owner: fs.OwnerId, Name: tags["Name"],
				Status: string(fs.Lifecycle), Created: fs.CreationTime, Tags: tags,
			}
		},
	}
}
