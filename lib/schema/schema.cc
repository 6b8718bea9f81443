/* valijson says whether a document fits, quickly and well; how it says why not is made for programmers. So a document
 * that fits costs one silent pass, and only one that does not is validated again with its words collected. Each of them
 * is then put into ours by one table, with the limits that the schema itself names at that place. */
extern "C" {
#include "base/error.h"
}

#include "schema/schema.h"

#define VALIJSON_USE_EXCEPTIONS 1 /* else it ends the process on a schema that it cannot read */

#include <regex.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#include <vector>

extern "C" const struct schema_source schema_embedded[];

using json = nlohmann::json;
using adapter = valijson::adapters::NlohmannJsonAdapter;

struct schema {
  json text;
  valijson::Schema compiled;
};

namespace {

/* Patterns of all schemas, compiled once. valijson would use std::regex, which recurses for every character and would
 * run through a thread's stack. */
class pattern_cache {
public:
  bool matches(const std::string &pattern, const std::string &text) {
    regmatch_t span = {0, static_cast<regoff_t>(text.size())};
    return regexec(find(pattern), text.c_str(), 0, &span, REG_STARTEND) == 0;
  }

private:
  const regex_t *find(const std::string &pattern) {
    {
      std::shared_lock<std::shared_mutex> reading(lock);
      auto found = compiled.find(pattern);
      if (found != compiled.end()) return &found->second;
    }
    std::unique_lock<std::shared_mutex> writing(lock);
    auto [place, is_new] = compiled.try_emplace(pattern);
    if (is_new && regcomp(&place->second, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
      throw std::runtime_error("not a pattern: " + pattern);
    return &place->second;
  }

  std::shared_mutex lock;
  std::map<std::string, regex_t> compiled; /* nodes stay where they are */
};

pattern_cache &patterns() {
  static pattern_cache *const cache = new pattern_cache; /* outlives every thread */
  return *cache;
}

} // namespace

namespace valijson {

template <> bool ValidationVisitor<adapter>::visit(const PatternConstraint &constraint) {
  if (!m_target.isString()) return true;
  if (patterns().matches(constraint.getPattern<std::string::allocator_type>(), m_target.asString())) return true;
  if (m_results) m_results->pushError(m_context, "Failed to match regex");
  return false;
}

template <> bool ValidationVisitor<adapter>::visit(const FormatConstraint &) {
  return true;
}

/* Theirs keeps to itself which member it did not like. */
template <> bool ValidationVisitor<adapter>::visit(const PropertyNamesConstraint &constraint) {
  if (!m_target.isObject()) return true;
  bool all_fit = true;
  for (const auto member : m_target.getObject()) {
    const adapters::StdStringAdapter name(member.first);
    ValidationVisitor<adapters::StdStringAdapter> visitor(name, m_context, m_strictTypes, nullptr, m_regexesCache);
    if (visitor.validateSchema(*constraint.getSubschema())) continue;
    if (!m_results) return false;
    m_results->pushError(m_context, "Property name not permitted '" + member.first + "'.");
    all_fit = false;
  }
  return all_fit;
}

} // namespace valijson

namespace {

using context = std::vector<std::string>; /* "<root>", "[items]", "[2]", "[quantity]" */

/* What a row's text takes in place of its %. */
enum class argument {
  NONE,
  LIMIT,  /* the keyword's number, or its values */
  TYPES,  /* the keyword's types, with their articles */
  MEMBER, /* nothing; but valijson's words name a member, which is the field */
};

const struct wording {
  const char *theirs;  /* how valijson's words begin; "" never matches */
  const char *keyword; /* of the schema at that place */
  argument takes;
  const char *ours;
} wordings[] = {
    {"Missing required property", "required", argument::MEMBER, "is required"},
    {"Missing dependency", "dependencies", argument::MEMBER, "is required here"},
    {"Object contains a property", "additionalProperties", argument::MEMBER, "unknown field"},
    {"Property name not permitted", "propertyNames", argument::MEMBER, "has a name that is not allowed"},
    {"Value type not permitted", "type", argument::TYPES, "must be %"},
    {"Failed to match against any enum", "enum", argument::LIMIT, "must be one of %"},
    {"Failed to match expected value", "const", argument::LIMIT, "must be %"},
    {"Failed to match regex", "pattern", argument::NONE, "has the wrong form"},
    {"Expected number less than or equal", "maximum", argument::LIMIT, "must be at most %"},
    {"Expected number less than", "exclusiveMaximum", argument::LIMIT, "must be less than %"},
    {"Expected number greater than or equal", "minimum", argument::LIMIT, "must be at least %"},
    {"Expected number greater than", "exclusiveMinimum", argument::LIMIT, "must be more than %"},
    {"Value should be a multiple", "multipleOf", argument::LIMIT, "must be a multiple of %"},
    {"String should be no more", "maxLength", argument::LIMIT, "must have at most % characters"},
    {"String should be no fewer", "minLength", argument::LIMIT, "must have at least % characters"},
    {"Array should contain no more", "maxItems", argument::LIMIT, "must have at most % elements"},
    {"Array should contain no fewer", "minItems", argument::LIMIT, "must have at least % elements"},
    {"Object should have no more", "maxProperties", argument::LIMIT, "must have at most % members"},
    {"Object should have no fewer", "minProperties", argument::LIMIT, "must have at least % members"},
    {"Elements at indexes", "uniqueItems", argument::NONE, "must not hold the same element twice"},
    {"Failed to validate against exactly one", "oneOf", argument::NONE, "fits more than one of the allowed forms"},
    {"Target should not validate", "not", argument::NONE, "is not allowed in this form"},
};

/* "[items]", "[2]", "[quantity]" as items[2].quantity; keys that look like numbers are taken for indexes. */
std::string field_path(const context &place) {
  std::string path;
  for (size_t i = 1; i < place.size(); i++) {
    const std::string name = place[i].substr(1, place[i].size() - 2);
    const bool is_index = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
    if (is_index)
      path += "[" + name + "]";
    else
      path += (path.empty() ? "" : ".") + name;
  }
  return path;
}

const json *follow_references(const json &root, const json *node) {
  for (int hops = 0; node && hops < 8 && node->is_object() && node->contains("$ref"); hops++) {
    const std::string reference = (*node)["$ref"];
    if (reference.rfind("#", 0) != 0) return nullptr;
    const json::json_pointer pointer(reference.substr(1));
    node = root.contains(pointer) ? &root[pointer] : nullptr;
  }
  return node;
}

/* The part of the schema that speaks of a place: NULL where it lies inside anyOf and its like. */
const json *schema_at(const json &root, const context &place) {
  const json *node = &root;
  for (size_t i = 1; node && i < place.size(); i++) {
    node = follow_references(root, node);
    if (!node || !node->is_object()) return nullptr;
    const std::string name = place[i].substr(1, place[i].size() - 2);
    if (node->contains("properties") && (*node)["properties"].contains(name))
      node = &(*node)["properties"][name];
    else if (node->contains("items") && (*node)["items"].is_object())
      node = &(*node)["items"];
    else if (node->contains("additionalProperties") && (*node)["additionalProperties"].is_object())
      node = &(*node)["additionalProperties"];
    else
      node = nullptr;
  }
  return follow_references(root, node);
}

std::string plain(const json &value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/* ["a", "b", "c"] as "a, b or c". */
std::string alternatives(const std::vector<std::string> &words) {
  std::string text;
  for (size_t i = 0; i < words.size(); i++) text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

std::string limit_words(const json &value) {
  if (!value.is_array()) return plain(value);
  std::vector<std::string> words;
  for (const json &one : value) words.push_back(plain(one));
  return alternatives(words);
}

std::string type_words(const json &types) {
  std::vector<std::string> words;
  for (const json &type : types.is_array() ? types : json::array({types})) {
    const std::string name = type;
    words.push_back(name == "null" ? name : (strchr("aio", name[0]) ? "an " : "a ") + name);
  }
  return alternatives(words);
}

std::string fill(std::string words, const std::string &argument) {
  const size_t hole = words.find('%');
  return hole == std::string::npos ? words : words.replace(hole, 1, argument);
}

/* What stands between the first quote and the last in valijson's words. */
std::string quoted(const std::string &words) {
  const size_t first =
      words.find('\'', words.find("constraints:") == std::string::npos ? 0 : words.find("constraints:"));
  const size_t last = words.rfind('\'');
  return first == std::string::npos || last <= first ? "" : words.substr(first + 1, last - first - 1);
}

/* Everything that goes into a fixed field: cut at the end of a character. */
template <size_t size> void copy_text(char (&out)[size], const std::string &text) {
  size_t length = std::min(text.size(), size - 1);
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) length--;
  memcpy(out, text.data(), length);
  out[length] = '\0';
}

void add_fault(struct schema_faults &faults, const std::string &field, const std::string &text) {
  struct schema_fault fault = {};
  copy_text(fault.field, field);
  copy_text(fault.text, text);
  for (size_t i = 0; i < faults.count; i++)
    if (strcmp(faults.faults[i].field, fault.field) == 0 && strcmp(faults.faults[i].text, fault.text) == 0) return;
  if (faults.count == SCHEMA_FAULTS_MAX)
    faults.more = true;
  else
    faults.faults[faults.count++] = fault;
}

const struct wording *find_wording(const std::string &theirs) {
  for (const struct wording &row : wordings)
    if (theirs.rfind(row.theirs, 0) == 0) return &row;
  return nullptr; /* a consequence of another fault */
}

void translate(const json &schema, const valijson::ValidationResults::Error &error, struct schema_faults &faults) {
  const struct wording *row = find_wording(error.description);
  if (!row) return;
  const json *node = schema_at(schema, error.context);
  const bool is_known = node && node->is_object() && node->contains(row->keyword);
  const std::string place = field_path(error.context);
  if (row->takes == argument::MEMBER) {
    const std::string member = quoted(error.description);
    add_fault(faults, place.empty() ? member : place + "." + member, row->ours);
  } else if (is_known && row->takes != argument::TYPES && node->contains("errorMessage")) {
    add_fault(faults, place, (*node)["errorMessage"]);
  } else if (is_known && row->takes == argument::TYPES) {
    add_fault(faults, place, fill(row->ours, type_words((*node)[row->keyword])));
  } else if (is_known && row->takes == argument::LIMIT) {
    add_fault(faults, place, fill(row->ours, limit_words((*node)[row->keyword])));
  } else {
    add_fault(faults, place, row->takes == argument::NONE ? row->ours : "is not valid");
  }
}

json *member_at(json &document, const context &place) {
  json *node = &document;
  for (size_t i = 1; node && i < place.size(); i++) {
    const std::string name = place[i].substr(1, place[i].size() - 2);
    if (node->is_array())
      node = &node->at(std::stoul(name));
    else
      node = node->contains(name) ? &(*node)[name] : nullptr;
  }
  return node;
}

/* valijson names one unknown member of an object at a time: this takes out those that it named. */
bool remove_unknown(json &document, const valijson::ValidationResults &results) {
  bool removed = false;
  for (const auto &error : results) {
    const struct wording *row = find_wording(error.description);
    if (!row || strcmp(row->keyword, "additionalProperties") != 0) continue;
    json *owner = member_at(document, error.context);
    if (owner && owner->is_object() && owner->erase(quoted(error.description)) > 0) removed = true;
  }
  return removed;
}

void explain(const struct schema &schema, json document, struct schema_faults &faults) {
  for (int round = 0; round <= SCHEMA_FAULTS_MAX; round++) {
    valijson::ValidationResults results;
    if (valijson::Validator().validate(schema.compiled, adapter(document), &results)) break;
    for (const auto &error : results) translate(schema.text, error, faults);
    if (faults.more || !remove_unknown(document, results)) break;
  }
  if (faults.count == 0) add_fault(faults, "", "is not valid");
}

enum rc check(const struct schema &schema, const char *text, size_t length, struct schema_faults *ret_faults) {
  const json document = json::parse(text, text + length, nullptr, false);
  if (document.is_discarded()) return RC_MALFORMED;
  if (valijson::Validator().validate(schema.compiled, adapter(document), nullptr)) return RC_OK;
  struct schema_faults faults = {};
  explain(schema, document, faults);
  *ret_faults = faults;
  return RC_VALIDATION;
}

std::unique_ptr<struct schema> compile(const char *text, size_t length) {
  auto schema = std::make_unique<struct schema>();
  schema->text = json::parse(text, text + length);
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.populateSchema(adapter(schema->text), schema->compiled);
  return schema;
}

using registry = std::map<std::string, std::unique_ptr<struct schema>>;

/* The embedded ones: one that does not compile is a bug that no build should have let through. */
const registry &embedded() {
  static const registry *const all = [] {
    auto *made = new registry;
    for (const struct schema_source *source = schema_embedded; source->name; source++)
      made->emplace(source->name, compile(source->text, strlen(source->text)));
    return made;
  }();
  return *all;
}

} // namespace

/* An exception could only be memory that ran out: it finds no handler in C and ends the process, as the arena does. */
enum rc schema_validate(const char *name, const char *json, size_t length, struct schema_faults *ret_faults) {
  return check(*embedded().at(name), json, length, ret_faults);
}

const struct schema_source *schema_sources(void) {
  return schema_embedded;
}

const struct schema_source *schema_find(const char *name) {
  for (const struct schema_source *source = schema_embedded; source->name; source++)
    if (strcmp(source->name, name) == 0) return source;
  return nullptr;
}

enum rc schema_compile(const char *text, size_t length, struct schema **ret_schema, struct error *err) {
  try {
    *ret_schema = compile(text, length).release();
    return RC_OK;
  } catch (const std::exception &problem) {
    return error_set(err, RC_INVARIANT, "not a schema: %s", problem.what());
  }
}

void schema_free(struct schema *schema) {
  delete schema;
}

enum rc schema_check(const struct schema *schema, const char *json, size_t length, struct schema_faults *ret_faults) {
  return check(*schema, json, length, ret_faults);
}
