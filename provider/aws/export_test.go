package aws

// For the tests of the whole provider.
var ActionOf = actionOf

// AllActions returns every IAM action that a provider can need.
func AllActions() []string {
	all := []string{actionAssumeRole, actionListAccounts, actionDescribeRegions}
	for _, c := range collectors() {
		all = append(all, c.actions()...)
	}
	return all
}
