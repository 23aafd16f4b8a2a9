namespace Pimm.Core.Erasing;

/// <summary>What an erasure does to one store that the database holds.</summary>
/// <param name="Name">as the counts call it</param>
/// <param name="Sql">
/// its answer is how many rows; knows @customer, @addresses (keyed hashes), @pattern and, with names, @rowPattern (null where there is nothing to look for)
/// </param>
public sealed record ErasedTable(string Name, string Sql)
{
    /// <summary>In this order, each once in the life of a run.</summary>
    public static readonly IReadOnlyList<ErasedTable> All =
    [
        new("identifiers", Counted("delete from customer_identifier where customer = @customer")),
        // Of files that are not finished, the erased addresses under other customers' keys too. What is staged or lands later finds the erasure itself.
        new("waiting identifiers", Counted("delete from import_identifier where customer = @customer or blind_index = any(@addresses)")),
        new("waiting consents", Counted("delete from import_consent where customer = @customer")),
        // What was agreed to is proof and stays under the pseudonym; from now on it is taken back.
        new("consents", Counted(
            """
            insert into consent(customer, purpose, channel, at, granted, source)
            select customer, purpose, channel, greatest(at, clock_timestamp()), false, 'erasure' from consent_now where customer = @customer and granted
            """)),
        new("keys", "select erase_customer_key(@customer)"),
        new("bad rows", Counted("update import_problem set sealed = null, masked = null, message = 'of an erased customer' where customer = @customer and (sealed is not null or masked is not null)")),
        new("bad events", Counted("delete from outcome_problem where customer = @customer")),
        Texts("answers", "@pattern", "idempotency", "body"),
        Texts("problems", "@rowPattern", "import_problem", "message", "masked"),
        Texts("file names", "@pattern", "import_file", "file_name"),
        Texts("upload names", "@pattern", "upload", "file_name"),
        Texts("drafts", "@pattern", "import_draft", "request::jsonb", "checked::jsonb"),
        Texts("runs", "@pattern", "job_run", "progress_msg", "error", "arguments::jsonb", "result::jsonb"),
        Texts("run lines", "@pattern", "job_run_log", "message"),
        new("kept texts", "select erase_kept_texts(@customer, @addresses, @pattern)"),
    ];

    private static string Counted(string statement) => $"with gone as ({statement} returning 1) select count(*) from gone";

    /// <summary>Texts that runs and files have left: what is found in them is replaced, the rest stays readable.</summary>
    private static ErasedTable Texts(string name, string pattern, string table, params string[] columns)
    {
        var parts = columns.Select(column => column.Split("::")).Select(parts => (Column: parts[0], IsJson: parts.Length > 1)).ToList();
        var set = string.Join(", ", parts.Select(part => $"{part.Column} = {(part.IsJson ? $"erased_json({part.Column}, {pattern})" : $"regexp_replace({part.Column}, {pattern}, '[erased]', 'gi')")}"));
        var where = string.Join(" or ", parts.Select(part => part.IsJson ? $"{part.Column} <> erased_json({part.Column}, {pattern})" : $"{part.Column} ~* {pattern}"));
        return new ErasedTable(name, Counted($"update {table} set {set} where {where}"));
    }
}
