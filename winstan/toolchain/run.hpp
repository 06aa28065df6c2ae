// What every method needs: the log, the files of each chain, the model and the settings of the run.
#ifndef WINSTAN_RUN_HPP
#define WINSTAN_RUN_HPP

#include "arguments.hpp"
#include "csv_writer.hpp"

#include <stan/callbacks/interrupt.hpp>
#include <stan/callbacks/logger.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/model/model_base.hpp>
#include <stan/version.hpp>

#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>

namespace winstan {

using Contexts = std::vector<std::unique_ptr<stan::io::var_context>>;
using Writers = std::vector<csv_writer>;

// One line at a time, whole, whichever chain speaks.
class line_logger final : public stan::callbacks::logger {
 public:
  void debug(const std::string&) override {}
  void debug(const std::stringstream&) override {}
  void info(const std::string& line) override { say(std::cout, line); }
  void info(const std::stringstream& line) override { say(std::cout, line.str()); }
  void warn(const std::string& line) override { say(std::cout, line); }
  void warn(const std::stringstream& line) override { say(std::cout, line.str()); }
  void error(const std::string& line) override { say(std::cerr, line); }
  void error(const std::stringstream& line) override { say(std::cerr, line.str()); }
  void fatal(const std::string& line) override { say(std::cerr, line); }
  void fatal(const std::stringstream& line) override { say(std::cerr, line.str()); }

 private:
  void say(std::ostream& stream, const std::string& line) {
    if (line.empty())
      return;
    std::lock_guard<std::mutex> lock(mutex_);
    stream << line << std::endl;
  }
  std::mutex mutex_;
};

// ---------------------------------------------------------------- files

// CmdStan's rule for files of several chains: "x.csv" is "x_1.csv", "x_2.csv", ... from the first id.
inline std::string numbered(const std::string& path, int id, const std::string& mark = "_") {
  const auto slash = path.find_last_of('/');
  const auto dot = path.find_last_of('.');
  const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  const std::string stem = has_ending ? path.substr(0, dot) : path;
  return stem + mark + std::to_string(id) + (has_ending ? path.substr(dot) : "");
}

inline std::unique_ptr<stan::io::var_context> read_json(const std::string& path) {
  if (path.empty())
    return std::make_unique<stan::io::empty_var_context>();
  std::ifstream file(path);
  if (!file)
    throw std::runtime_error("cannot read '" + path + "'");
  return std::make_unique<stan::json::json_data>(file);
}

// One context per chain: from a comma list, from numbered files, or all from the same file.
inline Contexts read_per_chain(const std::string& path, int chains, int first_id) {
  std::vector<std::string> listed;
  std::stringstream words(path);
  for (std::string word; std::getline(words, word, ',');)
    listed.push_back(word);
  if (listed.size() > 1 && listed.size() != static_cast<std::size_t>(chains))
    throw usage_error("'" + path + "' names " + std::to_string(listed.size()) + " files for "
                      + std::to_string(chains) + " chains");
  Contexts contexts;
  for (int i = 0; i < chains; ++i) {
    const std::string own = numbered(path, first_id + i);
    const bool has_own = chains > 1 && !path.empty() && std::ifstream(own).good();
    contexts.push_back(read_json(listed.size() > 1 ? listed[i] : has_own ? own : path));
  }
  return contexts;
}

inline std::string json(const Argument& argument) {
  auto quoted = [](const std::string& plain) {
    std::string out = "\"";
    for (char c : plain)
      out += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    return out + "\"";
  };
  if (argument.kind == Argument::Kind::text)
    return quoted(argument.value);
  if (argument.kind == Argument::Kind::choice)
    return "{\"value\": " + quoted(argument.value) + ", " + quoted(argument.value) + ": "
           + json(argument.chosen()) + "}";
  if (argument.kind != Argument::Kind::group)
    return argument.value;
  std::string out;
  for (const Argument& child : argument.children)
    out += (out.empty() ? "" : ", ") + quoted(child.name) + ": " + json(child);
  return "{" + out + "}";
}

// ---------------------------------------------------------------- the run

struct Run {
  const Argument& args;
  stan::model::model_base& model;
  unsigned int seed;
  line_logger logger{};
  stan::callbacks::interrupt interrupt{};
  int id = static_cast<int>(args["id"].integer());
  int refresh = static_cast<int>(args["output"]["refresh"].integer());

  double radius() const {
    double value = 0;
    return init_is_number(value) ? value : 2;
  }
  Contexts inits(int chains) const {
    double ignored = 0;
    return read_per_chain(init_is_number(ignored) ? "" : args["init"].text(), chains, id);
  }
  csv_writer output(const std::string& path, bool raw = false) const {
    const int asked = static_cast<int>(args["output"]["sig_figs"].integer());
    csv_writer writer(path, asked > 0 ? asked : 8, raw && !path.empty() ? path + ".raw" : "");
    if (!path.empty())
      write_configuration(writer);
    return writer;
  }
  Writers outputs(const std::string& path, int chains, bool raw = false) const {
    Writers writers;
    for (int i = 0; i < chains; ++i)
      writers.push_back(output(chains == 1 || path.empty() ? path : numbered(path, id + i), raw));
    return writers;
  }

 private:
  bool init_is_number(double& value) const {
    char* rest = nullptr;
    value = std::strtod(args["init"].text().c_str(), &rest);
    return *rest == '\0' && rest != args["init"].text().c_str();
  }
  void write_configuration(csv_writer& writer) const {
    writer("stan_version_major = " + stan::MAJOR_VERSION);
    writer("stan_version_minor = " + stan::MINOR_VERSION);
    writer("stan_version_patch = " + stan::PATCH_VERSION);
    writer("model = " + model.model_name());
    char now[64];
    const std::time_t seconds = std::time(nullptr);
    std::strftime(now, sizeof now, "%Y-%m-%d %H:%M:%S UTC", std::gmtime(&seconds));
    writer(std::string("start_datetime = ") + now);
    for (const Argument& top : args.children)
      walk(top, 0, [&](const Argument& a, int depth) {
        std::string line = std::string(2 * depth, ' ') + a.name;
        if (a.kind != Argument::Kind::group)
          line += " = " + a.value + (a.given ? "" : " (Default)");
        writer(line);
      });
    for (const std::string& line : model.model_compile_info())
      writer(line);
  }
};

}  // namespace winstan
#endif
