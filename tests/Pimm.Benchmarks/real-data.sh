# shellcheck shell=bash
# The real data sets of the benchmarks: tasks in funnel order, and the columns that identify a row, leak a label or are one.
# shellcheck disable=SC2034
declare -A tasks_of=(
  [ecommerce_funnel]=y2_product,y3_payment,y4_confirmation
  [hillstrom]=y1_visit,y2_conversion,y3_core
  [hotel_bookings]=y1_kept,y2_high_value
)
declare -A ignored_of=(
  [ecommerce_funnel]=user_id,LEAK_total_pages_visited,y1_listing
  [hillstrom]=customer_idx,value_spend
  [hotel_bookings]=booking_idx,LEAKY_deposit_type,LEAK_required_car_parking_spaces,value_revenue
)
