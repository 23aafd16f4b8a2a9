namespace Pimm.Core.Importing;

/// <summary>Which impressions of an audience's training history are read.</summary>
/// <param name="From">the first instant</param>
/// <param name="To">the first instant behind the range</param>
/// <param name="Targeted">false: those that no model chose, explored ones and history from before targeting; true: the others; null: all</param>
public sealed record HistoryRange(DateTimeOffset From, DateTimeOffset To, bool? Targeted = null)
{
    /// <summary>Customers with an impression from here to <see cref="WithoutTo"/>, of any kind, are left out; null: nobody.</summary>
    public DateTimeOffset? WithoutFrom { get; init; }

    public DateTimeOffset? WithoutTo { get; init; }

    internal string Condition(string alias, Audience audience)
    {
        var condition = $"{alias}.impression_at >= '{Instant(From)}' and {alias}.impression_at < '{Instant(To)}'";
        if (Targeted is { } targeted)
        {
            condition += $" and {alias}.targeted = {(targeted ? "true" : "false")}";
        }

        return WithoutFrom is { } from && WithoutTo is { } to
            ? $"{condition} and not exists (select from {audience.TrainingHistoryView} o where o.customer = {alias}.customer and o.impression_at >= '{Instant(from)}' and o.impression_at < '{Instant(to)}')"
            : condition;
    }

    private static string Instant(DateTimeOffset at) => $"{at.UtcDateTime:yyyy-MM-dd HH:mm:ss.ffffff}+00";
}
