using System.Text.Json;

namespace Pimm.Core.Auditing;

/// <summary>Rows of the log as lines of a file: NDJSON to be verified by somebody else, CSV to be read by a person.</summary>
public static class AuditExport
{
    public const string CsvHeader = "id,at,actor,action,object_kind,object_id,before,after,origin,prev_hash,row_hash";

    private static readonly JsonSerializerOptions Lines = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.Default };

    /// <summary>One object without a line break; before and after are strings, to the letter as they were hashed.</summary>
    public static string Ndjson(AuditEvent row) => JsonSerializer.Serialize(new
    {
        row.Id, At = AuditChain.Time(row.At), row.Actor, row.Action, row.ObjectKind, row.ObjectId, row.Before, row.After, row.Origin,
        PrevHash = Convert.ToHexStringLower(row.PrevHash), RowHash = Convert.ToHexStringLower(row.RowHash),
    }, Lines);

    /// <summary>One line; what a spreadsheet would compute begins with an apostrophe.</summary>
    public static string Csv(AuditEvent row) => string.Join(',', new[]
    {
        row.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), AuditChain.Time(row.At), row.Actor, row.Action, row.ObjectKind, row.ObjectId, row.Before, row.After, row.Origin,
        Convert.ToHexStringLower(row.PrevHash), Convert.ToHexStringLower(row.RowHash),
    }.Select(AuditText.CsvField));
}
