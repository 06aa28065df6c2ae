// The command line as a tree of arguments: what may be said, its default, and what was said.
//
// The grammar is CmdStan's: `key=value` sets a value, a bare word opens a group, and a word that is
// unknown where we stand closes groups until one knows it. So `data file=d.json output file=o.csv`
// names two different files.
#ifndef WINSTAN_ARGUMENTS_HPP
#define WINSTAN_ARGUMENTS_HPP

#include <cmath>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace winstan {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Argument {
  enum class Kind { group, choice, text, integer, real, flag };

  Kind kind;
  std::string name;
  std::string value;               // of a choice: the option's name
  std::vector<Argument> children;  // of a choice: its options, each a group
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool given = false;

  bool is(const std::string& option) const { return value == option; }
  const std::string& text() const { return value; }
  long long integer() const { return std::strtoll(value.c_str(), nullptr, 10); }
  double real() const { return std::strtod(value.c_str(), nullptr); }
  bool flag() const { return value == "true"; }

  // A child by name; the options of a choice count as children of the group that holds the choice.
  Argument* find(const std::string& wanted, bool bare_word) {
    for (Argument& child : children) {
      if (child.name == wanted && bare_word == (child.kind == Kind::group))
        return &child;
      if (child.kind != Kind::choice || !bare_word)
        continue;
      for (Argument& option : child.children)
        if (option.name == wanted)
          return &option;
    }
    return nullptr;
  }

  const Argument& operator[](const std::string& wanted) const {
    auto* self = const_cast<Argument*>(this);
    if (const Argument* child = self->find(wanted, false))
      return *child;
    if (const Argument* child = self->find(wanted, true))
      return *child;
    throw std::logic_error("the driver asks for an undeclared argument: " + wanted);
  }

  // Check and store a value written by the user.
  void set(const std::string& written) {
    char* rest = nullptr;
    double number = 0;
    given = true;
    value = written;
    switch (kind) {
      case Kind::text:
        return;
      case Kind::flag:
        if (written == "1" || written == "true")
          value = "true";
        else if (written == "0" || written == "false")
          value = "false";
        else
          throw usage_error(name + "=" + written + ": must be 0 or 1");
        return;
      case Kind::choice:
        for (const Argument& option : children)
          if (option.name == written)
            return;
        throw usage_error(name + "=" + written + ": unknown; one of " + options());
      case Kind::integer:
        number = static_cast<double>(std::strtoll(written.c_str(), &rest, 10));
        break;
      default:
        number = std::strtod(written.c_str(), &rest);
    }
    if (written.empty() || *rest != '\0')
      throw usage_error(name + "=" + written + ": must be a number");
    if (!(number >= low && number <= high))
      throw usage_error(name + "=" + written + ": out of range");
  }

  std::string options() const {
    std::string names;
    for (const Argument& option : children)
      names += (names.empty() ? "" : ", ") + option.name;
    return names;
  }

  const Argument& chosen() const { return (*this)[value]; }
};

// How the tree is declared.
inline Argument group(std::string name, std::vector<Argument> children = {}) {
  return {Argument::Kind::group, std::move(name), "", std::move(children)};
}
inline Argument choice(std::string name, std::string value, std::vector<Argument> options) {
  return {Argument::Kind::choice, std::move(name), std::move(value), std::move(options)};
}
inline Argument text(std::string name, std::string value = "") {
  return {Argument::Kind::text, std::move(name), std::move(value), {}};
}
inline Argument flag(std::string name, bool value) {
  return {Argument::Kind::flag, std::move(name), value ? "true" : "false", {}};
}
inline Argument integer(std::string name, const char* value, double low,
                        double high = std::numeric_limits<int>::max()) {
  return {Argument::Kind::integer, std::move(name), value, {}, low, high};
}
inline Argument real(std::string name, const char* value, double low = 0,
                     double high = std::numeric_limits<double>::max()) {
  return {Argument::Kind::real, std::move(name), value, {}, low, high};
}

inline void parse(Argument& root, const std::vector<std::string>& words) {
  std::vector<Argument*> open{&root};
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    const bool bare_word = equals == std::string::npos;
    const std::string key = word.substr(0, equals);
    Argument* found = nullptr;
    while (!found && !open.empty()) {
      found = open.back()->find(key, bare_word);
      if (!found)
        open.pop_back();
    }
    if (!found)
      throw usage_error("unknown argument '" + word + "'");
    if (bare_word) {  // an option named alone (`log_prob` for `method=log_prob`) is also chosen
      for (Argument& child : open.back()->children)
        if (child.kind == Argument::Kind::choice && child.find(key, true) == found)
          child.set(key);
      open.push_back(found);
    } else {
      found->set(word.substr(equals + 1));
      if (found->kind == Argument::Kind::choice)
        open.push_back(found->find(found->value, true));
    }
  }
}

// Visit what is in force, depth first: visit(argument, depth) before its children.
template <class Visit>
void walk(const Argument& argument, int depth, Visit&& visit) {
  visit(argument, depth);
  if (argument.kind == Argument::Kind::choice) {
    if (!argument.chosen().children.empty())
      walk(argument.chosen(), depth + 1, visit);
  } else {
    for (const Argument& child : argument.children)
      walk(child, depth + 1, visit);
  }
}

}  // namespace winstan
#endif
