// Checks.java - counts what is right and tells what is wrong; compares values with ../forms.json.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.json.JSONArray;
import org.json.JSONObject;

final class Checks {
    private static final Map<String, Class<?>> BASIC = Map.of("string", String.class, "bool", Boolean.class,
        "object", JSONObject.class);

    private final JSONObject forms;
    int passed;
    int failed;

    Checks(Path forms) throws java.io.IOException {
        this.forms = new JSONObject(Files.readString(forms));
    }

    void ok(boolean condition, String what) {
        if (condition) {
            passed++;
            return;
        }
        failed++;
        System.out.println("FAILED  " + what);
    }

    void same(Object found, Object expected, String what) {
        ok(Objects.equals(plain(found), plain(expected)), what + ": " + found + " instead of " + expected);
    }

    void form(String form, Object value, String what) {
        List<String> found = faults(form, value, "");
        ok(found.isEmpty(), what + " is no " + form + ": " + String.join("; ", found));
    }

    /** A good answer with data of this form; gives the data. */
    JSONObject done(Shop.Answer answer, String form, int status, String what) {
        same(answer.status(), status, "status of " + what);
        form("Answer", answer.body(), what);
        same(answer.body().opt("ok"), true, "ok of " + what);
        same(answer.contentType(), "application/json", "content type of " + what);
        form(form, answer.body().opt("data"), "data of " + what);
        if (!answer.body().optBoolean("ok")) {
            throw new IllegalStateException("the journey ends at " + what + ": " + answer.text());
        }
        return answer.body().getJSONObject("data");
    }

    /** A refusal with this code; gives the error. */
    JSONObject refused(Shop.Answer answer, String code, int status, String what) {
        same(answer.status(), status, "status of " + what);
        form("Refusal", answer.body(), what);
        same(answer.body().opt("ok"), false, "ok of " + what);
        same(answer.body().optQuery("/error/code"), code, "code of " + what);
        return answer.body().optJSONObject("error", new JSONObject());
    }

    /** Maps and lists that can be compared, whole numbers as long, null as null. */
    private static Object plain(Object value) {
        if (value instanceof JSONObject object) return plain(object.toMap());
        if (value instanceof JSONArray array) return plain(array.toList());
        if (value instanceof Map<?, ?> map) {
            var members = new java.util.HashMap<Object, Object>();
            map.forEach((name, member) -> members.put(name, plain(member)));
            return members;
        }
        if (value instanceof List<?> list) {
            var items = new ArrayList<Object>();
            list.forEach(item -> items.add(plain(item)));
            return items;
        }
        if (value instanceof Integer number) return number.longValue();
        return value == JSONObject.NULL ? null : value;
    }

    /** What is wrong with a value. A form is a name of forms.json or of a basic type; "X[]" is a list of X,
     *  "X|null" may be null, "/.../" is a pattern. */
    private List<String> faults(String form, Object value, String path) {
        if (form.startsWith("/")) {
            String pattern = form.substring(1, form.length() - 1);
            boolean fits = value instanceof String text && text.matches(pattern);
            return fits ? List.of() : List.of(path + ": " + value + " does not match " + form);
        }
        if (form.endsWith("|null")) {
            if (value == JSONObject.NULL) return List.of();
            return faults(form.substring(0, form.length() - 5), value, path);
        }
        if (form.endsWith("[]")) return itemFaults(form.substring(0, form.length() - 2), value, path);
        if (form.equals("int")) {
            boolean whole = value instanceof Integer || value instanceof Long;
            return whole ? List.of() : List.of(path + ": is not of type int");
        }
        if (BASIC.containsKey(form)) {
            return BASIC.get(form).isInstance(value) ? List.of() : List.of(path + ": is not of type " + form);
        }
        if (forms.get(form) instanceof String inner) return faults(inner, value, path);
        return memberFaults(form, value, path);
    }

    private List<String> itemFaults(String form, Object value, String path) {
        if (!(value instanceof JSONArray items)) return List.of(path + ": is not a list");
        var found = new ArrayList<String>();
        for (int i = 0; i < items.length(); i++) found.addAll(faults(form, items.get(i), path + "/" + i));
        return found;
    }

    private List<String> memberFaults(String form, Object value, String path) {
        if (!(value instanceof JSONObject object)) return List.of(path + ": is no " + form);
        var found = new ArrayList<String>();
        var unknown = new java.util.HashSet<>(object.keySet());
        JSONObject members = forms.getJSONObject(form);
        for (String key : members.keySet()) {
            String name = key.replace("?", "");
            unknown.remove(name);
            if (object.has(name)) {
                found.addAll(faults(members.getString(key), object.get(name), path + "/" + name));
            } else if (name.equals(key)) {
                found.add(path + "/" + name + ": is missing");
            }
        }
        for (String name : unknown) found.add(path + "/" + name + ": is not in the form of " + form);
        return found;
    }
}
