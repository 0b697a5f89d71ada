package aws

// For the tests of the whole provider.
var (
	ActionOf    = actionOf
	Unconfirmed = unconfirmed
)

// AllActions returns every IAM action that a provider can need.
func AllActions() []string {
	all := []string{actionAssumeRole, actionListAccounts, actionDescribeRegions, actionListTypes}
	for _, c := range append(collectors(), newControlled("AWS::Any::Type")) {
		all = append(all, c.actions()...)
	}
	return all
}
