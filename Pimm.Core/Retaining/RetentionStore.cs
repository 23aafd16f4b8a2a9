using Dapper;
using Npgsql;

namespace Pimm.Core.Retaining;

/// <summary>Moments and numbers that decide what goes.</summary>
/// <param name="Logs">lines of runs written before go</param>
/// <param name="Runs">runs that ended before go</param>
/// <param name="Unfinished">what runs that ended before left half done goes</param>
/// <param name="Firings">firings of schedules before go</param>
/// <param name="Lists">files of lists written before go</param>
/// <param name="Answers">answers of the HTTP API given before go</param>
/// <param name="BadRows">texts of bad rows from before go</param>
/// <param name="Versions">newest versions of a line that keep their weights</param>
internal sealed record RetentionBounds(
    DateTimeOffset Logs, DateTimeOffset Runs, DateTimeOffset Unfinished, DateTimeOffset Firings, DateTimeOffset Lists, DateTimeOffset Answers, DateTimeOffset BadRows, int Versions)
{
    /// <summary>A firing that is gone would count as missed: 31 days are looked through for them, and a day is no bound.</summary>
    private const int LeastFiringDays = 32;

    /// <summary>As the API promises.</summary>
    private const int AnswerDays = 7;

    public static RetentionBounds Of(RetentionOptions options, DateTimeOffset now) =>
        new(now.AddDays(-options.RunLogDays), now.AddDays(-options.RunDays), now.AddDays(-options.UnfinishedDays),
            now.AddDays(-Math.Max(options.RunDays, LeastFiringDays)), now.AddDays(-options.ExportFileDays), now.AddDays(-AnswerDays), now.AddDays(-options.BadRowDays), options.ModelVersions);
}

/// <summary>A list's file that the database expects to be there.</summary>
internal sealed record KeptList(long CampaignId, DateOnly WaveDate, short Arm, string Channel, string FileName);

/// <param name="FinishedAt">null: it has not ended</param>
internal sealed record RunSpan(long Id, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>Counts and removes by the rules. Tables that the application only adds to have no rule.</summary>
public sealed class RetentionStore(NpgsqlDataSource database)
{
    internal async Task<IReadOnlyList<RetentionRule>> RulesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var references = await connection.QueryAsync<(string, string)>(new CommandDefinition(SelectReferences, cancellationToken: cancellationToken));
        return [RetentionRule.Scorings, RetentionRule.Files, RetentionRule.RunLog, RetentionRule.Weights, RetentionRule.Runs(references), RetentionRule.Firings, RetentionRule.Answers, RetentionRule.BadRows, RetentionRule.BadEvents];
    }

    internal async Task<long> CountAsync(RetentionRule rule, RetentionBounds bounds, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition($"select count(*) from ({rule.Select}) old", bounds, cancellationToken: cancellationToken));
    }

    /// <summary>At most <paramref name="rows"/>, in the caller's transaction.</summary>
    /// <returns>how many</returns>
    internal static async Task<int> RemoveAsync(NpgsqlConnection connection, RetentionRule rule, RetentionBounds bounds, int rows)
    {
        if (rule.Lock is not null)
            await connection.ExecuteAsync(rule.Lock, bounds);
        // A statement of its own, which sees what was promoted before the lock was ours.
        var sql = rule.Remove.Replace("{0}", $"{rule.Select} limit {rows}", StringComparison.Ordinal);
        return rule.Tells ? await connection.ExecuteScalarAsync<int>(sql, bounds) : await connection.ExecuteAsync(sql, bounds);
    }

    /// <summary>Partitions of the log of outcomes for this month and the next two: none is made while events come in.</summary>
    internal static Task PrepareMonthsAsync(NpgsqlConnection connection) => connection.ExecuteAsync(PrepareMonths);

    /// <summary>Lists whose files have been kept long enough.</summary>
    internal async Task<IReadOnlyList<KeptList>> OldListsAsync(RetentionBounds bounds, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<KeptList>(new CommandDefinition(SelectLists, bounds, cancellationToken: cancellationToken))];
    }

    internal static Task MarkRemovedAsync(NpgsqlConnection connection, IReadOnlyList<KeptList> lists) => connection.ExecuteAsync(MarkRemoved, lists);

    /// <summary>Absent: there is no such run.</summary>
    internal async Task<IReadOnlyDictionary<long, RunSpan>> SpansAsync(IReadOnlyList<long> runs, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<RunSpan>(
            new CommandDefinition("select id, created_at, finished_at from job_run where id = any(@runs)", new { runs = runs.ToArray() }, cancellationToken: cancellationToken)))
            .ToDictionary(span => span.Id);
    }

    private const string PrepareMonths =
        "select add_outcome_month((date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date) from generate_series(0, 2) ahead";

    // Foreign keys that would refuse the removal, those of later migrations included; the others' rows go with the run.
    private const string SelectReferences =
        """
        select c.conrelid::regclass::text, quote_ident(a.attname)
          from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
         where c.contype = 'f' and c.confrelid = 'job_run'::regclass and c.confdeltype in ('a', 'r') and cardinality(c.conkey) = 1
         order by 1, 2
        """;

    private const string SelectLists =
        """
        select campaign_id, wave_date, arm, channel, file_name
          from export where exported_at < @Lists and file_removed_at is null
        union all
        select campaign_id, wave_date, arm, channel, file_name
          from export_file where (written_at < @Lists or part = 'replaced') and file_removed_at is null
         order by campaign_id, wave_date, arm, channel, file_name
        """;

    private const string MarkRemoved =
        """
        with list as (update export set file_removed_at = clock_timestamp() where file_name = @FileName)
        update export_file set file_removed_at = clock_timestamp() where file_name = @FileName
        """;
}
