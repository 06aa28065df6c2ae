// Stan's CSV dialect: a header, rows of numbers, comments that begin with "# ".
#ifndef WINSTAN_CSV_WRITER_HPP
#define WINSTAN_CSV_WRITER_HPP

#include <stan/callbacks/writer.hpp>

#include <charconv>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace winstan {

// Buffers by itself. A default-constructed file takes nothing.
class buffered_file {
 public:
  buffered_file() = default;
  explicit buffered_file(const std::string& path) : path_(path) {
    if (path.empty())
      return;
    file_.reset(std::fopen(path.c_str(), "wb"));
    if (!file_)
      throw std::runtime_error("cannot write '" + path + "'");
    buffer_.reserve(2 * flush_at);
  }
  buffered_file(buffered_file&&) = default;
  ~buffered_file() { flush(); }

  explicit operator bool() const noexcept { return file_ != nullptr; }

  void append(const char* bytes, std::size_t size) {
    if (!file_)
      return;
    buffer_.append(bytes, size);
    if (buffer_.size() > flush_at)
      flush();
  }
  void append(const std::string& text) { append(text.data(), text.size()); }

  // Everything must have reached the file: a full disk is an error, not a short table.
  void close() {
    flush();
    if (!file_)
      return;
    failed_ |= std::fclose(file_.release()) != 0;
    if (failed_)
      throw std::runtime_error("cannot write '" + path_ + "': is the disk full?");
  }

 private:
  static constexpr std::size_t flush_at = 1 << 16;

  void flush() noexcept {
    if (file_)
      failed_ |= std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size();
    buffer_.clear();
  }

  struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, closer> file_;
  std::string buffer_;
  bool failed_ = false;
};

// Formats by itself: through iostreams the formatting of numbers costs more than the sampling of a
// small model. With `raw`, rows of numbers go to another file as they are in memory, without even
// that, and the CSV keeps header and comments. A default-constructed writer writes nothing.
class csv_writer final : public stan::callbacks::writer {
 public:
  csv_writer() = default;
  csv_writer(const std::string& path, int significant, const std::string& raw = "")
      : significant_(significant), text_(path), numbers_(raw) {}
  csv_writer(csv_writer&&) = default;

  void operator()(const std::vector<std::string>& names) override {
    row_.clear();
    for (const std::string& name : names)
      row_.append(name).push_back(',');
    end_row();
  }
  void operator()(const std::vector<double>& values) override {
    row(values.data(), values.size());
  }
  void operator()(const Eigen::Matrix<double, -1, 1>& values) override {
    row(values.data(), values.size());
  }
  void operator()(const Eigen::Matrix<double, 1, -1>& values) override {
    row(values.data(), values.size());
  }
  void operator()(const Eigen::Matrix<double, -1, -1>& columns) override {
    for (Eigen::Index j = 0; j < columns.cols(); ++j)
      row(columns.data() + j * columns.rows(), columns.rows());
  }
  void operator()() override { (*this)(std::string()); }
  void operator()(const std::string& comment) override { text_.append("# " + comment + "\n"); }
  bool is_valid() const noexcept override { return static_cast<bool>(text_); }

  void close() {
    text_.close();
    numbers_.close();
  }

 private:
  void row(const double* values, std::size_t size) {
    if (numbers_)
      return numbers_.append(reinterpret_cast<const char*>(values), size * sizeof *values);
    if (!text_)
      return;
    row_.clear();
    char digits[64];
    for (std::size_t i = 0; i < size; ++i) {
      char* end = format(digits, digits + sizeof digits, values[i]);
      *end++ = ',';
      row_.append(digits, end);
    }
    end_row();
  }
  char* format(char* first, char* last, double value) const {
#if defined(__cpp_lib_to_chars)
    return std::to_chars(first, last, value, std::chars_format::general, significant_).ptr;
#else
    return first + std::snprintf(first, last - first, "%.*g", significant_, value);
#endif
  }
  void end_row() {
    if (row_.empty())
      return;
    row_.back() = '\n';
    text_.append(row_);
  }

  int significant_ = 8;
  buffered_file text_;
  buffered_file numbers_;
  std::string row_;
};

}  // namespace winstan
#endif
