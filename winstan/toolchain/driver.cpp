// winstan's own program around a Stan model: CmdStan's command line and CSV over stan::services,
// for the two methods that winstan uses, sample and log_prob.
//
// Compiled once per machine and linked to the object of each model, which defines new_model().
#include "light_math.hpp"  // before all of Stan

#include "run.hpp"

#include <stan/callbacks/structured_writer.hpp>
#include <stan/io/array_var_context.hpp>
#include <stan/math/prim/core/init_threadpool_tbb.hpp>
#include <stan/math/prim/fun/welford_covar_estimator.hpp>
#include <stan/math/prim/fun/welford_var_estimator.hpp>
#include <stan/math/rev/fun/grad.hpp>
#include <stan/model/gradient.hpp>
#include <stan/model/log_prob_grad.hpp>
#include <tbb/parallel_for.h>
#include <stan/services/sample/fixed_param.hpp>
#include <stan/services/sample/hmc_nuts_dense_e.hpp>
#include <stan/services/sample/hmc_nuts_dense_e_adapt.hpp>
#include <stan/services/sample/hmc_nuts_diag_e.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>
#include <stan/services/sample/hmc_nuts_unit_e.hpp>
#include <stan/services/sample/hmc_nuts_unit_e_adapt.hpp>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>
#include <tuple>
#include <unistd.h>

stan::model::model_base& new_model(stan::io::var_context& data, unsigned int seed,
                                   std::ostream* messages);

// Stan's own makes a stream for each gradient, for what a model might print: 7% of the time of a
// small one. Here every thread has one, made anew after it was used.
template <>
void stan::model::gradient(const stan::model::model_base& model, const Eigen::VectorXd& x, double& f,
                           Eigen::VectorXd& grad_f, stan::callbacks::logger& logger) {
  thread_local std::stringstream said;
  auto pass_on = [&] {
    if (said.tellp() > 0)
      logger.info(said);
    said = std::stringstream();
  };
  try {
    stan::math::gradient(model_functional<model_base>(model, &said), x, f, grad_f);
  } catch (const std::exception&) {
    pass_on();
    throw;
  }
  if (said.tellp() > 0)
    pass_on();
}

namespace winstan {

Argument arguments() {
  Argument adapt = group(
      "adapt", {flag("engaged", true), real("gamma", "0.05"), real("delta", "0.8", 0, 1),
                real("kappa", "0.75"), real("t0", "10"), integer("init_buffer", "75", 0),
                integer("term_buffer", "50", 0), integer("window", "25", 0)});
  Argument hmc = group(
      "hmc", {choice("engine", "nuts", {group("nuts", {integer("max_depth", "10", 1)})}),
              choice("metric", "diag_e", {group("unit_e"), group("diag_e"), group("dense_e")}),
              text("metric_file"), real("stepsize", "1"), real("stepsize_jitter", "0", 0, 1)});
  Argument sample = group(
      "sample", {integer("num_samples", "1000", 0), integer("num_warmup", "1000", 0),
                 flag("save_warmup", false), integer("thin", "1", 1), adapt,
                 choice("algorithm", "hmc", {hmc, group("fixed_param")}),
                 integer("num_chains", "1", 1)});
  Argument log_prob = group("log_prob", {text("unconstrained_params"), text("constrained_params"),
                                         flag("jacobian", true)});
  return group(
      "", {choice("method", "sample", {sample, log_prob}),
           integer("id", "1", 0), group("data", {text("file")}), text("init", "2"),
           group("random", {integer("seed", "-1", -1, 4294967295.0)}),
           group("output", {text("file", "output.csv"), text("diagnostic_file"),
                            integer("refresh", "100", 0), integer("sig_figs", "8", -1, 18),
                            text("profile_file"), flag("save_cmdstan_config", false)}),
           integer("num_threads", "0", -1)});
}

// winstan asks by a variable and not by an argument, so that its commands are CmdStan's: programs
// that a CmdStan has built write their CSV all the same, and so does this one for any other caller.
bool wants_raw_draws() {
  const char* wanted = std::getenv("WINSTAN_RAW_DRAWS");
  return wanted && std::string(wanted) == "1";
}

int sample(Run& run) {
  namespace services = stan::services::sample;
  const Argument& a = run.args["sample"];
  const Argument& hmc = a["hmc"];
  const Argument& adapt = a["adapt"];
  const int chains = a["num_chains"].integer(), num_samples = a["num_samples"].integer(),
            num_warmup = a["num_warmup"].integer(), thin = a["thin"].integer(),
            max_depth = hmc["nuts"]["max_depth"].integer();
  const bool save_warmup = a["save_warmup"].flag();
  const double step = hmc["stepsize"].real(), jitter = hmc["stepsize_jitter"].real(),
               radius = run.radius();
  const std::size_t dim = run.model.num_params_r();

  Contexts inits = run.inits(chains);
  Writers init_writers(chains);
  Writers draws = run.outputs(run.args["output"]["file"].text(), chains, wants_raw_draws());
  Writers diagnostics = run.outputs(run.args["output"]["diagnostic_file"].text(), chains);
  std::vector<stan::callbacks::structured_writer> metric_writers(chains);

  auto first = std::tie(run.model, chains, inits);
  auto unit_last = std::tie(run.interrupt, run.logger, init_writers, draws, diagnostics);
  auto settings = std::make_tuple(run.seed, run.id, radius, num_warmup, num_samples, thin,
                                  save_warmup, run.refresh, step, jitter, max_depth);
  auto dual_averaging = std::make_tuple(adapt["delta"].real(), adapt["gamma"].real(),
                                        adapt["kappa"].real(), adapt["t0"].real());
  auto windows = std::make_tuple(adapt["init_buffer"].integer(), adapt["term_buffer"].integer(),
                                 adapt["window"].integer());
  auto call = [](auto&& service, auto&&... parts) {
    return std::apply(service, std::tuple_cat(parts...));
  };
  int code = 0;
  if (a["algorithm"].is("fixed_param") || dim == 0) {
    code = call([](auto&&... x) { return services::fixed_param(x...); }, first,
                std::make_tuple(run.seed, run.id, radius, num_samples, thin, run.refresh),
                unit_last);
  } else {
    const std::string metric = hmc["metric"].text();
    const bool adapts = adapt["engaged"].flag() && num_warmup > 0;
    const std::string metric_file = hmc["metric_file"].text();
    Contexts metrics = read_per_chain(metric_file, metric_file.empty() ? 0 : chains, run.id);
    using unit_context = stan::io::array_var_context;
    for (int i = metrics.size(); i < chains; ++i)
      metrics.push_back(std::make_unique<unit_context>(
          metric == "dense_e" ? stan::services::util::create_unit_e_dense_inv_metric(dim)
                              : stan::services::util::create_unit_e_diag_inv_metric(dim)));
    auto started = std::tuple_cat(first, std::tie(metrics));
    auto last = std::tuple_cat(unit_last, std::tie(metric_writers));
    if (metric == "diag_e" && adapts)
      code = call([](auto&&... x) { return services::hmc_nuts_diag_e_adapt(x...); }, started,
                  settings, dual_averaging, windows, last);
    else if (metric == "diag_e")
      code = call([](auto&&... x) { return services::hmc_nuts_diag_e(x...); }, started, settings,
                  unit_last);
    else if (metric == "dense_e" && adapts)
      code = call([](auto&&... x) { return services::hmc_nuts_dense_e_adapt(x...); }, started,
                  settings, dual_averaging, windows, last);
    else if (metric == "dense_e")
      code = call([](auto&&... x) { return services::hmc_nuts_dense_e(x...); }, started, settings,
                  unit_last);
    else if (adapts)
      code = call([](auto&&... x) { return services::hmc_nuts_unit_e_adapt(x...); }, first, settings,
                  dual_averaging, last);
    else
      code = call([](auto&&... x) { return services::hmc_nuts_unit_e(x...); }, first, settings,
                  unit_last);
  }
  for (Writers* writers : {&draws, &diagnostics})
    for (csv_writer& writer : *writers)
      writer.close();
  return code;
}

// The parameters of a JSON file, unconstrained.
std::vector<double> read_parameters(Run& run, const std::string& path) {
  std::vector<double> unconstrained;
  std::vector<int> no_integers;
  run.model.transform_inits(*read_json(path), no_integers, unconstrained, &std::cerr);
  return unconstrained;
}

int log_prob(Run& run) {
  const Argument& a = run.args["log_prob"];
  if (!a["jacobian"].flag())  // see light_model.hpp
    throw std::runtime_error("this program has no density without the Jacobian (jacobian=0)");
  const std::size_t dim = run.model.num_params_r();
  std::vector<std::vector<double>> points;
  if (!a["constrained_params"].text().empty())
    points.push_back(read_parameters(run, a["constrained_params"].text()));
  if (!a["unconstrained_params"].text().empty()) {
    auto context = read_json(a["unconstrained_params"].text());
    const std::vector<double> values = context->vals_r("params_r");
    const std::vector<std::size_t> shape = context->dims_r("params_r");
    const std::size_t rows = shape.size() == 2 ? shape[0] : 1;
    if (values.size() != rows * dim)
      throw std::runtime_error("'params_r' must have " + std::to_string(dim) + " columns");
    for (std::size_t i = 0; i < rows; ++i) {
      points.emplace_back();
      for (std::size_t j = 0; j < dim; ++j)
        points.back().push_back(values[i + j * rows]);
    }
  }
  std::vector<std::string> parameters, names{"lp__"};
  run.model.unconstrained_param_names(parameters, false, false);
  for (const std::string& parameter : parameters)
    names.push_back("g_" + parameter);
  csv_writer table = run.output(run.args["output"]["file"].text());
  table(names);
  std::vector<int> no_integers;
  for (std::vector<double>& point : points) {
    std::vector<double> gradient;
    const double density = stan::model::log_prob_grad<true, true>(run.model, point, no_integers,
                                                                  gradient, &std::cout);
    gradient.insert(gradient.begin(), density);
    table(gradient);
  }
  table.close();
  return 0;
}

void print_information() {
  std::cout << "stan_version_major = " << stan::MAJOR_VERSION << "\nstan_version_minor = "
            << stan::MINOR_VERSION << "\nstan_version_patch = " << stan::PATCH_VERSION
            << "\nSTAN_THREADS = true\nSTAN_MPI = false\nSTAN_OPENCL = false\n"
               "STAN_CPP_OPTIMS = false\n";
}

// A sampler whose caller was killed would run on for nobody. Asking who our parent is works on every
// Unix; Linux's own death signal also fires when merely the thread that started us ends.
void die_with_parent() {
  std::thread([parent = getppid()] {
    while (getppid() == parent)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::_Exit(1);
  }).detach();
}

int main(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "info") {
    print_information();
    return 0;
  }
  die_with_parent();
  Argument args = arguments();
  parse(args, words);
  Argument& seed = *args.find("random", true)->find("seed", false);
  if (seed.integer() < 0)
    seed.value = std::to_string(std::random_device()());
  stan::math::init_threadpool_tbb(static_cast<int>(args["num_threads"].integer()));

  auto data = read_json(args["data"]["file"].text());
  const unsigned int random_seed = static_cast<unsigned int>(seed.integer());
  std::unique_ptr<stan::model::model_base> model(&new_model(*data, random_seed, &std::cout));
  data.reset();
  if (args["output"]["save_cmdstan_config"].flag()) {
    const std::string file = args["output"]["file"].text();
    std::ofstream(file.substr(0, file.rfind(".csv")) + "_config.json") << json(args) << "\n";
  }
  Run run{args, *model, random_seed};
  return args["method"].is("sample") ? sample(run) : log_prob(run);
}

}  // namespace winstan

int main(int argc, char** argv) {
  try {
    return winstan::main(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const winstan::usage_error& problem) {
    std::cerr << "Error: " << problem.what() << std::endl;
    return 64;
  } catch (const std::exception& problem) {
    std::cerr << "Error: " << problem.what() << std::endl;
    return 1;
  }
}
