package faultproxy

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// list says where an answer holds the elements of a listing and the token of its next
// page.
type list struct {
	items string // the element or member with the elements
	token string
	more  string // the flag that says whether there is more, for APIs that have one
}

// lists are the list operations whose answers can be cut into pages.
var lists = map[string]list{
	"ec2.DescribeInstances":                      {items: "reservationSet", token: "nextToken"},
	"ec2.DescribeVolumes":                        {items: "volumeSet", token: "nextToken"},
	"ec2.DescribeVpcs":                           {items: "vpcSet", token: "nextToken"},
	"ec2.DescribeSubnets":                        {items: "subnetSet", token: "nextToken"},
	"ec2.DescribeSecurityGroups":                 {items: "securityGroupInfo", token: "nextToken"},
	"ec2.DescribeNetworkInterfaces":              {items: "networkInterfaceSet", token: "nextToken"},
	"rds.DescribeDBInstances":                    {items: "DBInstances", token: "Marker"},
	"rds.DescribeDBClusters":                     {items: "DBClusters", token: "Marker"},
	"sns.ListTopics":                             {items: "Topics", token: "NextToken"},
	"iam.GetAccountAuthorizationDetails":         {items: "RoleDetailList", token: "Marker", more: "IsTruncated"},
	"iam.ListRoles":                              {items: "Roles", token: "Marker", more: "IsTruncated"},
	"elasticloadbalancing.DescribeLoadBalancers": {items: "LoadBalancers", token: "NextMarker"},
	"s3.ListBuckets":                             {items: "Buckets", token: "ContinuationToken"},
	"dynamodb.ListTables":                        {items: "TableNames", token: "LastEvaluatedTableName"},
	"sqs.ListQueues":                             {items: "QueueUrls", token: "NextToken"},
	"lambda.ListFunctions":                       {items: "Functions", token: "NextMarker"},
}

// listOf returns the list of a call, and whether it is one.
func listOf(c Call) (list, bool) {
	l, ok := lists[c.Name()]
	return l, ok
}

// token is the way to a page of a listing. The turn tells apart tokens of the same page:
// an empty page leads to the page that should have been there.
type token struct {
	listing, page, turn int
}

func (t token) String() string { return fmt.Sprintf("faultproxy-%d-%d-%d", t.listing, t.page, t.turn) }

var tokenForm = regexp.MustCompile(`faultproxy-([0-9]+)-([0-9]+)-([0-9]+)`)

// findToken finds a token of ours anywhere in a request.
func findToken(texts ...string) (token, bool) {
	m := tokenForm.FindStringSubmatch(strings.Join(texts, " "))
	if m == nil {
		return token{}, false
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	return token{listing: n[0], page: n[1], turn: n[2]}, true
}

// listing is the answer of a list operation, taken apart.
type listing struct {
	items  [][]byte
	render func(items [][]byte, next string) []byte // the answer with these; next may be empty
}

// pages is how many pages a listing has, at least one.
func (l *listing) pages(size int) int {
	if size <= 0 || len(l.items) == 0 {
		return 1
	}
	return (len(l.items) + size - 1) / size
}

// page returns the elements of a page, counted from 1.
func (l *listing) page(n, size int) [][]byte {
	if size <= 0 {
		return l.items
	}
	from := min((n-1)*size, len(l.items))
	return l.items[from:min(from+size, len(l.items))]
}

// takeApart returns false where the body is not an answer of that list.
func (l list) takeApart(c Call, body []byte) (*listing, bool) {
	if c.isJSON() {
		return l.fromJSON(body)
	}
	return l.fromXML(body)
}

func (l list) fromJSON(body []byte) (*listing, bool) {
	m := members(body)
	if m == nil {
		return nil, false
	}
	var items []json.RawMessage
	if raw, ok := m[l.items]; ok && json.Unmarshal(raw, &items) != nil {
		return nil, false
	}
	out := &listing{}
	for _, item := range items {
		out.items = append(out.items, item)
	}
	out.render = func(items [][]byte, next string) []byte {
		m[l.items] = slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]"))
		delete(m, l.token)
		if next != "" {
			m[l.token], _ = json.Marshal(next)
		}
		b, _ := json.Marshal(m) // of raw messages that were read a moment ago
		return b
	}
	return out, true
}

func (l list) fromXML(body []byte) (*listing, bool) {
	s, ok := l.find(body)
	if !ok {
		return nil, false
	}
	drop := l.leftovers()
	head, tail := drop.ReplaceAll(body[:s.begin], nil), drop.ReplaceAll(body[s.end:], nil)
	return &listing{items: s.items, render: func(items [][]byte, next string) []byte {
		parts := [][]byte{head, []byte("<" + l.items + ">")}
		parts = append(parts, items...)
		parts = append(parts, []byte("</"+l.items+">"))
		if l.more != "" {
			parts = append(parts, fmt.Appendf(nil, "<%s>%t</%[1]s>", l.more, next != ""))
		}
		if next != "" {
			parts = append(parts, fmt.Appendf(nil, "<%s>%s</%[1]s>", l.token, next))
		}
		return slices.Concat(append(parts, tail)...)
	}}, true
}

// leftovers matches what the answer says of its own next page.
func (l list) leftovers() *regexp.Regexp {
	names := regexp.QuoteMeta(l.token)
	if l.more != "" {
		names += "|" + regexp.QuoteMeta(l.more)
	}
	return regexp.MustCompile(`<(?:` + names + `)>[^<]*</(?:` + names + `)>|<(?:` + names + `) */>`)
}

// span is where the list element stands in a body, and its children.
type span struct {
	begin, end int
	items      [][]byte
}

// find finds the first element with the list's name and its children.
func (l list) find(body []byte) (s span, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(body))
	depth, inside, child := 0, 0, 0 // inside: depth of the list's children, 0 outside it
	for {
		before := int(d.InputOffset())
		t, err := d.Token()
		if err != nil {
			return span{}, false
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			switch {
			case inside == 0 && t.Name.Local == l.items:
				inside, s.begin = depth+1, before
			case depth == inside:
				child = before
			}
		case xml.EndElement:
			switch depth {
			case inside:
				s.items = append(s.items, body[child:d.InputOffset()])
			case inside - 1:
				s.end = int(d.InputOffset())
				return s, true
			}
			depth--
		}
	}
}
