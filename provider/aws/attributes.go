package aws

import "reflect"

// assign moves the values of m whose keys name string fields of the struct that dst
// points to into those fields and returns the others, nil where there are none. SQS and
// SNS tell what a resource is by such maps; as fields the policies among them can be
// read as policies, and a name that is not known here yet is kept all the same.
func assign(dst any, m map[string]string) (rest map[string]string) {
	v := reflect.ValueOf(dst).Elem()
	for name, value := range m {
		if f := v.FieldByName(name); f.IsValid() && f.Kind() == reflect.String && f.CanSet() {
			f.SetString(value)
			continue
		}
		if rest == nil {
			rest = map[string]string{}
		}
		rest[name] = value
	}
	return rest
}
