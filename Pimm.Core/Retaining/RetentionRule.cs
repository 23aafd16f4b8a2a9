namespace Pimm.Core.Retaining;

/// <summary>Rows of one table that are not kept.</summary>
/// <param name="Name">what they are, for a person</param>
/// <param name="Select">SQL: the ids of the rows that go, by @cutoff or @keep; may be cut by a limit</param>
/// <param name="Remove">SQL: what happens to the rows with these ids; {0} stands for <paramref name="Select"/></param>
/// <param name="MostAtOnce">rows in one transaction, whatever the settings say</param>
/// <param name="Tells"><paramref name="Remove"/> is a query whose answer is how many went</param>
/// <param name="Lock">SQL: what is held until the transaction ends, taken before; null: nothing</param>
internal sealed record RetentionRule(string Name, string Select, string Remove, int MostAtOnce = int.MaxValue, bool Tells = false, string? Lock = null)
{
    /// <summary>Lines of runs that have ended; the run itself stays longer.</summary>
    public static readonly RetentionRule RunLog = new(
        "lines of runs",
        """
        select l.ctid from job_run_log l join job_run r on r.id = l.run_id
         where l.logged_at < @Logs and r.finished_at is not null
        """,
        "delete from job_run_log where ctid = any(array({0}))");

    /// <summary>Metrics stay when the weights go. A champion of any time can be promoted again; what a campaign was scored with proves its scores.</summary>
    public static readonly RetentionRule Weights = new(
        "weights of models",
        """
        select v.id from (select id, model_line_id, weights is not null as has_weights, row_number() over (partition by model_line_id order by version desc) as nth from model_version) v
         where v.has_weights and v.nth > @Versions
           and not exists (select from promotion p where p.model_version_id = v.id)
           and not exists (select from scoring s where s.control_version_id = v.id or s.treatment_version_id = v.id)
        """,
        "update model_version set weights = null, weights_removed_at = clock_timestamp() where id in ({0})",
        MostAtOnce: 20,
        // Whoever makes a version of the line its champion takes the same lock.
        Lock: """
              select pg_advisory_xact_lock(hashtextextended('promotion', line))
                from (select model_line_id as line from model_version where weights is not null group by 1 having count(*) > @Versions order by 1) old_line
              """);

    /// <summary>Scores of shards that nobody will add the others to. Before models and runs, which they keep.</summary>
    public static readonly RetentionRule Scorings = new(
        "unfinished scorings",
        """
        select s.id from scoring s join job_run r on r.id = s.run_id
         where s.finished_at is null and r.finished_at < @Unfinished and r.state in ('failed', 'cancelled', 'succeeded')
        """,
        "select count(*) filter (where discard_scoring(id, 0)) from ({0}) old",
        MostAtOnce: 1, Tells: true);

    /// <summary>Rows of files that nobody will read to their ends.</summary>
    public static readonly RetentionRule Files = new(
        "unfinished files",
        """
        select f.id from import_file f join job_run r on r.id = f.run_id
         where f.state = 'reading' and r.finished_at < @Unfinished and r.state in ('failed', 'cancelled', 'succeeded')
        """,
        "select count(*) filter (where discard_import(id)) from ({0}) old",
        MostAtOnce: 1, Tells: true);

    /// <summary>What schedules did as long ago as the oldest runs, and in the days that are looked through for missed firings.</summary>
    public static readonly RetentionRule Firings = new(
        "firings of schedules", "select f.ctid from schedule_firing f where f.fired_at < @Firings", "delete from schedule_firing where ctid = any(array({0}))");

    /// <summary>Answers of the HTTP API that nobody asks for again.</summary>
    public static readonly RetentionRule Answers = new(
        "answers of the API", "select i.ctid from idempotency i where i.created_at < @Answers", "delete from idempotency where ctid = any(array({0}))");

    /// <summary>Text of rows that nobody has mended; where and why they were put aside stays.</summary>
    public static readonly RetentionRule BadRows = new(
        "texts of bad rows",
        "select p.ctid from import_problem p join import_file f on f.id = p.import_file_id where f.imported_at < @BadRows and f.state = 'finished' and (p.sealed is not null or p.masked is not null)",
        "update import_problem set sealed = null, masked = null where ctid = any(array({0}))");

    /// <summary>Events over HTTP that nobody could count; their batch's counts stay.</summary>
    public static readonly RetentionRule BadEvents = new(
        "events put aside", "select p.id from outcome_problem p where p.received_at < @BadRows", "delete from outcome_problem where id in ({0})");

    /// <summary>Runs that ended long ago and that neither a result nor a waiting run points to; their steps go with them.</summary>
    /// <param name="references">quoted table and column of every foreign key that keeps a run</param>
    public static RetentionRule Runs(IEnumerable<(string Table, string Column)> references) => new(
        "runs",
        "select r.id from job_run r where r.finished_at < @Runs and not exists (select from job_run w where w.after_runs @> array[r.id] and w.finished_at is null)"
        + string.Concat(references.Select(reference => $" and not exists (select from {reference.Table} x where x.{reference.Column} = r.id)")),
        "delete from job_run where id in ({0})",
        MostAtOnce: 1_000);
}
