namespace Pimm.Core.Importing;

/// <summary>
/// Rows of an audience, column by column, as they come out of its typed tables. The arrays are reused from batch to batch:
/// a reader takes what it needs before it asks for the next one.
/// </summary>
public sealed class AttributeBatch(IReadOnlyList<AudienceColumn> attributes, int capacity)
{
    public IReadOnlyList<AudienceColumn> Attributes { get; } = attributes;

    public int Capacity { get; } = capacity;

    public int Count { get; set; }

    public Guid[] Customers { get; } = new Guid[capacity];

    /// <summary>Number of funnel stages the impression reached; filled for history, not for customers.</summary>
    public short[] Stages { get; } = new short[capacity];

    /// <summary>Ticks (UTC) of the impression; filled for history, not for customers.</summary>
    public long[] ImpressionTicks { get; } = new long[capacity];

    /// <summary>By attribute, then row; NaN where the value is missing; null for text attributes.</summary>
    public double[]?[] Numbers { get; } = [.. attributes.Select(a => a.IsNumber ? new double[capacity] : null)];

    /// <summary>By attribute, then row; null where the value is missing; null for number attributes.</summary>
    public string?[]?[] Texts { get; } = [.. attributes.Select(a => a.IsNumber ? null : new string?[capacity])];

    /// <summary>Drops the rows whose customers are refused; the others move up in their order.</summary>
    public void Keep(Func<Guid, bool> keeps)
    {
        var kept = 0;
        for (var row = 0; row < Count; row++)
        {
            if (!keeps(Customers[row]))
            {
                continue;
            }
            if (kept < row)
            {
                Move(row, kept);
            }
            kept++;
        }
        Count = kept;
    }

    private void Move(int from, int to)
    {
        (Customers[to], Stages[to], ImpressionTicks[to]) = (Customers[from], Stages[from], ImpressionTicks[from]);
        for (var attribute = 0; attribute < Attributes.Count; attribute++)
        {
            if (Numbers[attribute] is { } numbers)
            {
                numbers[to] = numbers[from];
            }
            else
            {
                Texts[attribute]![to] = Texts[attribute]![from];
            }
        }
    }
}
