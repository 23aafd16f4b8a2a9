// The steps that rows waited for, taken when a row is looked up or when the table is read as a whole.
#include "rows.h"

namespace pimm {
namespace {

void prefetch(const float* row, int64_t width) {
  for (int64_t at = 0; at < width; at += 16) __builtin_prefetch(row + at, 1);
  __builtin_prefetch(row + width - 1, 1);
}

}  // namespace

void Rows::catch_up(const RowTable& table, int64_t first, int32_t to) {
  found_.resize(rows_.size() * table.width);
  if (const size_t lines = groups_.size() / group_rows * lines_of(table); lines > state_.size()) state_.resize(lines);
  const int64_t all = int64_t(groups_.size()) / group_rows, fresh = (int64_t(rows_.size()) - first + group_rows - 1) / group_rows;
  each_group(table, all - fresh, all, [&](const Group& group, const int32_t* which, float*) {
    int32_t rows[group_rows];
    for (int64_t l = 0; l < group_rows; ++l) rows[l] = which[l] < 0 ? -1 : rows_[which[l]];
    advance(table, group, rows, to);
    with_width(table.width, [&](auto width) {
      for (int64_t l = 0; l < group_rows; ++l) {
        if (which[l] < 0) continue;
        for (int64_t column = 0; column < width; ++column) found_[which[l] * width + column] = group.w[column * group_rows + l];
      }
    });
  });
}

void Rows::catch_up_all(const RowTable& table, int32_t to) {
  at::parallel_for(0, (table.rows + group_rows - 1) / group_rows, 1 << 8, [&](int64_t begin, int64_t end) {
    std::vector<Line> room(lines_of(table));
    for (int64_t one = begin; one < end; ++one) {
      int32_t rows[group_rows];
      bool some = false;
      for (int64_t l = 0; l < group_rows; ++l) {
        const int64_t row = one * group_rows + l;
        rows[l] = row < table.rows ? int32_t(row) : -1;
        some |= row < table.rows && table.touched[row] < to;
      }
      if (!some) continue;
      const Group group = group_at(table, room[0].each);
      advance(table, group, rows, to);
      for (int64_t l = 0; l < group_rows; ++l) put_row(table, group, l, rows[l], float(to));
    }
  });
}

// Fetches rows into a group and takes the steps they waited for.
void Rows::advance(const RowTable& table, const Group& group, const int32_t* rows, int32_t to) const {
  int32_t waiting[group_rows];
  with_width(table.width, [&](auto width) {
    for (int64_t l = 0; l < group_rows; ++l) {
      waiting[l] = rows[l] < 0 ? to : std::min(int32_t(table.touched[rows[l]]), to);
      const int64_t from = int64_t(std::max(rows[l], 0)) * width;
      for (int64_t column = 0; column < width; ++column) {
        group.w[column * group_rows + l] = table.w[from + column];
        group.m[column * group_rows + l] = table.m[from + column];
        group.v[column * group_rows + l] = table.v[from + column];
      }
      if (!group.mean) continue;
      for (int64_t column = 0; column < width; ++column) group.mean[column * group_rows + l] = table.mean[from + column];
    }
  });
  pimm::catch_up(plan, group, waiting, to);
}

void Rows::put(const RowTable& table, const Group& group, const int32_t* which, float step) {
  for (int64_t l = 0; l < group_rows; ++l) {
    if (which[l] >= 0) put_row(table, group, l, rows_[which[l]], step);
  }
}

void Rows::put_row(const RowTable& table, const Group& group, int64_t l, int64_t row, float step) {
  if (row < 0) return;
  with_width(table.width, [&](auto width) {
    const int64_t to = row * width;
    for (int64_t column = 0; column < width; ++column) {
      table.w[to + column] = group.w[column * group_rows + l];
      table.m[to + column] = group.m[column * group_rows + l];
      table.v[to + column] = group.v[column * group_rows + l];
    }
    if (!group.mean) return;
    for (int64_t column = 0; column < width; ++column) table.mean[to + column] = group.mean[column * group_rows + l];
  });
  table.touched[row] = step;
}

void Rows::fetch(const RowTable& table, int64_t group) const {
  const int32_t* which = groups_.data() + group * group_rows;
  for (int64_t l = 0; l < group_rows; ++l) {
    const int64_t row = which[l] < 0 ? 0 : rows_[which[l]], at = row * table.width;
    prefetch(table.w + at, table.width);
    prefetch(table.m + at, table.width);
    prefetch(table.v + at, table.width);
    if (table.mean) prefetch(table.mean + at, table.width);
  }
}

}  // namespace pimm
