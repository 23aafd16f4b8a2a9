using System.Buffers;
using System.Globalization;
using System.Text;
using Pimm.Core.Identifying;

namespace Pimm.Core.Exporting;

/// <summary>What became of one column's identifiers.</summary>
/// <param name="Given">customers who have one</param>
/// <param name="Invalid">of these, such as the channel cannot use: left empty</param>
/// <param name="Hashed">written as a hash</param>
/// <param name="Plain">written as it is</param>
/// <param name="Incomplete">left out because what it counts together with is missing</param>
public sealed record FieldCount(string Column, long Given, long Invalid, long Hashed, long Plain, long Incomplete);

/// <summary>Customers as lines of a channel's file. One field that cannot be used is left out, never the batch.</summary>
public sealed class ListLines
{
    private readonly ChannelProfile profile;
    private readonly Func<Guid, IdentifierKind, byte[], string> open;
    private readonly byte[]?[] constants;
    private readonly int[] sources;
    private readonly bool[] together;
    private readonly string?[] cells;
    private readonly (long Given, long Invalid, long Written, long Incomplete)[] counts;

    /// <param name="facts">cells that are the same on every line</param>
    /// <param name="open">opens a sealed identifier</param>
    public ListLines(ChannelProfile profile, IReadOnlyDictionary<ListFact, string> facts, Func<Guid, IdentifierKind, byte[], string> open)
    {
        (this.profile, this.open) = (profile, open);
        var kinds = profile.Kinds.ToList();
        constants = [.. profile.Columns.Select(column => column.Fact is { } fact && facts.TryGetValue(fact, out var text) ? Encoding.UTF8.GetBytes(Quoted(text)) : null)];
        sources = [.. profile.Columns.Select(column => column.Kind is { } kind ? kinds.IndexOf(kind) : -1)];
        together = [.. profile.Columns.Select(column => column.Kind is { } kind && profile.OnlyTogether.Contains(kind))];
        cells = new string?[profile.Columns.Count];
        counts = new (long, long, long, long)[profile.Columns.Count];
    }

    public string Header => string.Join(',', profile.Columns.Select(column => column.Header)) + "\n";

    public IReadOnlyList<FieldCount> Fields =>
    [
        .. from pair in profile.Columns.Zip(counts, (column, count) => (column, count))
           where pair.column.Kind is not null
           let hashed = pair.column.Hashed
           select new FieldCount(pair.column.Header, pair.count.Given, pair.count.Invalid, hashed ? pair.count.Written : 0, hashed ? 0 : pair.count.Written, pair.count.Incomplete)
    ];

    /// <returns>false, and nothing is written: the channel could not tell who this is</returns>
    public bool TryWrite(ListRow row, ArrayBufferWriter<byte> to)
    {
        var found = Fill(row);
        if (profile.NeedsIdentifier ? !found : row.Key is null)
            return false;
        for (var column = 0; column < cells.Length; column++)
        {
            if (column > 0)
                to.Write(","u8);
            if (constants[column] is { } constant)
                to.Write(constant);
            else if ((sources[column] >= 0 ? cells[column] : row.Key) is { } cell)
                Encoding.UTF8.GetBytes(Quoted(cell), to);
        }
        to.Write("\n"u8);
        return true;
    }

    private bool Fill(ListRow row)
    {
        var (found, whole) = (false, true);
        for (var column = 0; column < cells.Length; column++)
        {
            if (sources[column] < 0)
                continue;
            cells[column] = row.Sealed[sources[column]] is { } box ? Cell(row.Customer, column, box) : null;
            whole &= !together[column] || cells[column] is not null;
        }
        for (var column = 0; column < cells.Length; column++)
        {
            if (cells[column] is null)
                continue;
            if (!whole && together[column])
            {
                (cells[column], counts[column].Incomplete) = (null, counts[column].Incomplete + 1);
                continue;
            }
            counts[column].Written++;
            found = true;
        }
        return found;
    }

    private string? Cell(Guid customer, int column, byte[] box)
    {
        counts[column].Given++;
        var cell = profile.Columns[column].Cell(open(customer, profile.Columns[column].Kind!.Value, box));
        if (cell is null)
            counts[column].Invalid++;
        return cell;
    }

    /// <summary>As RFC 4180; nothing is escaped for spreadsheets.</summary>
    private static string Quoted(string value) =>
        value.AsSpan().IndexOfAny(",\"\n\r") < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
