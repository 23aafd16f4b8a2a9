using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Auditing;

/// <summary>What a look at the whole chain found.</summary>
/// <param name="Entries">rows that were looked at</param>
/// <param name="Head">the last row's number and hash; null: there is no row</param>
/// <param name="Break">the first thing that is wrong, as one sentence; null: the chain is intact</param>
public sealed record AuditVerdict(long Entries, AuditHead? Head, string? Break);

/// <summary>The chain as anybody can compute it who reads the rows, without asking the database for a hash.</summary>
public static class AuditChain
{
    /// <summary>What the first row has before it.</summary>
    public static byte[] Beginning => new byte[SHA256.HashSizeInBytes];

    /// <summary>Nine fields, each its length in UTF-8 bytes, a colon, the text and a comma; an absent one is a minus.</summary>
    public static string Text(AuditEvent row)
    {
        var text = new StringBuilder();
        foreach (var field in new[]
        {
            row.Id.ToString(CultureInfo.InvariantCulture), Time(row.At),
            row.Actor, row.Action, row.ObjectKind, row.ObjectId, row.Before, row.After, row.Origin,
        })
        {
            if (field is null)
                text.Append('-');
            else
                text.Append(CultureInfo.InvariantCulture, $"{Encoding.UTF8.GetByteCount(field)}:{field},");
        }
        return text.ToString();
    }

    /// <summary>UTC with six decimals.</summary>
    public static string Time(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>SHA-256 of the hash before and the row's text.</summary>
    public static byte[] Hash(AuditEvent row) => SHA256.HashData([.. row.PrevHash, .. Encoding.UTF8.GetBytes(Text(row))]);

    /// <summary>Why a row cannot follow the one before, or null.</summary>
    /// <param name="before">null: the row is the first one</param>
    public static string? Fault(AuditEvent? before, AuditEvent row)
    {
        var expected = (before?.Id ?? 0) + 1;
        if (row.Id != expected)
            return $"Row {expected} is missing: the row behind {(before is null ? "the beginning" : $"row {before.Id}")} is {row.Id}.";
        if (!row.PrevHash.AsSpan().SequenceEqual(before?.RowHash ?? Beginning))
            return $"Row {row.Id} does not follow {(before is null ? "the beginning of the chain" : $"row {before.Id}")}: its prev_hash is another one.";
        return row.RowHash.AsSpan().SequenceEqual(Hash(row)) ? null
            : $"Row {row.Id} is not as it was written ({row.Action} by {AuditText.OneLine(row.Actor)} at {row.At:yyyy-MM-dd HH:mm:ss} UTC): its hash differs.";
    }
}
