package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// checks counts what is right and tells what is wrong; it compares values with ../forms.json.
type checks struct {
	forms          object
	passed, failed int
}

func newChecks(forms string) (*checks, error) {
	text, err := os.ReadFile(forms)
	if err != nil {
		return nil, err
	}
	c := &checks{}
	return c, json.Unmarshal(text, &c.forms)
}

func (c *checks) ok(condition bool, what string, arguments ...any) {
	if condition {
		c.passed++
		return
	}
	c.failed++
	fmt.Println("FAILED ", fmt.Sprintf(what, arguments...))
}

// same compares both as they read in JSON.
func (c *checks) same(found, expected any, what string) {
	c.ok(reflect.DeepEqual(plain(found), plain(expected)), "%s: %v instead of %v", what, found, expected)
}

func (c *checks) form(form string, value any, what string) {
	found := c.faults(form, value, "")
	c.ok(len(found) == 0, "%s is no %s: %s", what, form, strings.Join(found, "; "))
}

// members compares some members of a value: a path such as "items/0/id", and what is expected there.
func (c *checks) members(found any, what string, expected object) {
	for path, value := range expected {
		c.same(at(found, path), value, what+", "+path)
	}
}

// done expects a good answer with data of this form and gives the data; without it the journey ends.
func (c *checks) done(a *answer, form string, status int, what string) object {
	c.same(a.status, status, "status of "+what)
	c.form("Answer", a.body, what)
	c.same(a.body["ok"], true, "ok of "+what)
	c.same(a.contentType, "application/json", "content type of "+what)
	c.form(form, a.body["data"], "data of "+what)
	if a.body["ok"] != true {
		panic(fmt.Errorf("the journey ends at %s: %s", what, a.text))
	}
	return a.body["data"].(object)
}

// refused expects a refusal with this code and gives the error.
func (c *checks) refused(a *answer, code string, status int, what string) any {
	c.same(a.status, status, "status of "+what)
	c.form("Refusal", a.body, what)
	c.same(a.body["ok"], false, "ok of "+what)
	c.same(at(a.body, "error/code"), code, "code of "+what)
	return a.body["error"]
}

// at gives what a path leads to, or nothing.
func at(value any, path string) any {
	for _, step := range strings.Split(path, "/") {
		switch inner := value.(type) {
		case object:
			value = inner[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(inner) {
				return nil
			}
			value = inner[i]
		default:
			return nil
		}
	}
	return value
}

// each gives the same member of every item of a list.
func each(list any, path string) []any {
	found := []any{}
	items, _ := list.([]any)
	for _, item := range items {
		found = append(found, at(item, path))
	}
	return found
}

func plain(value any) (read any) {
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err != nil {
		panic(err)
	}
	return read
}

var basic = map[string]func(any) bool{
	"string": func(value any) bool { _, is := value.(string); return is },
	"bool":   func(value any) bool { _, is := value.(bool); return is },
	"object": func(value any) bool { _, is := value.(object); return is },
	"int":    func(value any) bool { number, is := value.(float64); return is && number == math.Trunc(number) },
}

// faults says what is wrong with a value. A form is a name of forms.json or of basic; "X[]" is a list of X,
// "X|null" may be null, "/.../" is a pattern.
func (c *checks) faults(form string, value any, path string) []string {
	if is, known := basic[form]; known {
		if is(value) {
			return nil
		}
		return []string{fmt.Sprintf("%s: is not of type %s", path, form)}
	}
	switch {
	case strings.HasPrefix(form, "/"):
		return patternFaults(form, value, path)
	case strings.HasSuffix(form, "|null") && value == nil:
		return nil
	case strings.HasSuffix(form, "|null"):
		return c.faults(strings.TrimSuffix(form, "|null"), value, path)
	case strings.HasSuffix(form, "[]"):
		return c.itemFaults(strings.TrimSuffix(form, "[]"), value, path)
	}
	if inner, is := c.forms[form].(string); is {
		return c.faults(inner, value, path)
	}
	return c.memberFaults(form, value, path)
}

func patternFaults(form string, value any, path string) []string {
	text, is := value.(string)
	if is && regexp.MustCompile(strings.Trim(form, "/")).MatchString(text) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %v does not match %s", path, value, form)}
}

func (c *checks) itemFaults(form string, value any, path string) (found []string) {
	items, is := value.([]any)
	if !is {
		return []string{path + ": is not a list"}
	}
	for i, item := range items {
		found = append(found, c.faults(form, item, fmt.Sprintf("%s/%d", path, i))...)
	}
	return found
}

func (c *checks) memberFaults(form string, value any, path string) (found []string) {
	members, is := value.(object)
	if !is {
		return []string{path + ": is no " + form}
	}
	known := map[string]bool{}
	for key, inner := range c.forms[form].(object) {
		name := strings.TrimSuffix(key, "?")
		known[name] = true
		if member, has := members[name]; has {
			found = append(found, c.faults(inner.(string), member, path+"/"+name)...)
		} else if name == key {
			found = append(found, path+"/"+name+": is missing")
		}
	}
	for name := range members {
		if !known[name] {
			found = append(found, path+"/"+name+": is not in the form of "+form)
		}
	}
	return found
}
