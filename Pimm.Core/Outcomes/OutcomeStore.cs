using Dapper;
using Npgsql;
using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>
/// Events that came back. A file's chunks wait in outcome_staging; when all are there, they go through the temporary table
/// staged_outcome of one transaction: what is wrong is taken out as problems, what was seen before counts as skipped, the rest
/// lands in the tables.
/// </summary>
public sealed class OutcomeStore
{
    // A table of this transaction's own has statistics, whatever autovacuum has come to.
    private const string CreateStaging =
        """
        create temporary table staged_outcome (
            line bigint not null, event_id text not null, kind smallint not null, customer uuid not null, campaign_id bigint,
            wave_date date, stage smallint, occurred_at timestamptz not null, amount double precision) on commit drop
        """;

    private const string FillStaging =
        """
        insert into staged_outcome(line, event_id, kind, customer, campaign_id, wave_date, stage, occurred_at, amount)
        select line, event_id, kind, customer, campaign_id, wave_date, stage, occurred_at, amount from outcome_staging where import_file_id = @importFileId
        """;

    private const string CountWaiting = "select count(*) from outcome_staging where import_file_id = @importFileId";

    private const string DeleteWaiting = "delete from outcome_staging where import_file_id = @importFileId";

    private const string IndexStaging = "create index on staged_outcome (customer); analyze staged_outcome";

    // A delivery beside the plans is no impression of the campaign, but the report says how many there were in each arm.
    private const string KeepStrayDeliveries =
        """
        insert into stray_delivery(customer, campaign_id, wave_date, delivered_at, import_file_id)
        select s.customer, s.campaign_id, s.wave_date, min(s.occurred_at), @importFileId
          from staged_outcome s join campaign c on c.id = s.campaign_id and c.audience_id = @audienceId
         where s.kind = 1 and not exists (
               select from wave_plan p where p.customer = s.customer and p.campaign_id = s.campaign_id and p.wave_date = s.wave_date
                  and p.policy = p.arm and p.action = 1)
         group by 1, 2, 3
        on conflict do nothing
        """;

    private const string TakeOutUnknownImpressions =
        """
        delete from staged_outcome s
         where s.kind in (1, 2) and not exists (
               select from wave_plan p where p.customer = s.customer and p.campaign_id = s.campaign_id and p.wave_date = s.wave_date
                  and p.policy = p.arm and p.action = 1)
        returning s.line, 'customer' as "column", 'unknown_impression' as code,
                  'this customer was not on a list of that campaign and wave.' as message
        """;

    // An impression reaches stage k only through the k - 1 stages before it, in this file or an earlier one.
    private const string TakeOutBrokenOrder =
        """
        with known as (
            select customer, campaign_id, wave_date, stage from staged_outcome where kind = 2
            union select f.customer, f.campaign_id, f.wave_date, f.stage from funnel_label f
                   join (select distinct customer, campaign_id, wave_date from staged_outcome where kind = 2 and stage > 1) s
                     using (customer, campaign_id, wave_date)),
        reached as (
            select s.line, count(distinct k.stage) as earlier
              from staged_outcome s left join known k
                on k.customer = s.customer and k.campaign_id = s.campaign_id and k.wave_date = s.wave_date and k.stage < s.stage
             where s.kind = 2 and s.stage > 1 group by s.line)
        delete from staged_outcome s using reached r where r.line = s.line and r.earlier < s.stage - 1
        returning s.line, 'stage' as "column", 'funnel_order' as code,
                  'a later stage without the one before it; send the earlier event too or choose --order cascade-up.' as message
        """;

    private const string AddMissingStages =
        """
        insert into funnel_label(customer, campaign_id, wave_date, stage, occurred_at)
        select s.customer, s.campaign_id, s.wave_date, g.stage, min(s.occurred_at)
          from staged_outcome s cross join lateral generate_series(1, s.stage - 1) g(stage)
         where s.kind = 2 group by 1, 2, 3, 4
        on conflict do nothing
        """;

    // Written first: an event that was counted before, or stands twice in the file, goes no further.
    private const string KeepNewEvents =
        """
        with first as (
            select distinct on (event_id) event_id, line from staged_outcome order by event_id, line),
        fresh as (
            insert into outcome_event(source, event_id, import_file_id)
            select @source, event_id, @importFileId from first on conflict do nothing returning event_id)
        delete from staged_outcome s
         where not exists (select from first join fresh using (event_id) where first.event_id = s.event_id and first.line = s.line)
        """;

    private const string Land =
        """
        insert into delivery(customer, campaign_id, wave_date, delivered_at)
        select customer, campaign_id, wave_date, min(occurred_at) from staged_outcome where kind = 1 group by 1, 2, 3
        on conflict do nothing;
        insert into funnel_label(customer, campaign_id, wave_date, stage, occurred_at)
        select customer, campaign_id, wave_date, stage, min(occurred_at) from staged_outcome where kind = 2 group by 1, 2, 3, 4
        on conflict do nothing;
        insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id)
        select customer, @audienceId, occurred_at, amount, @source, event_id from staged_outcome where kind = 3;
        """;

    public async Task<long> CountWaitingAsync(NpgsqlConnection connection, long importFileId) =>
        await connection.ExecuteScalarAsync<long>(CountWaiting, new { importFileId });

    public Task RemoveWaitingAsync(NpgsqlConnection connection, long importFileId) => connection.ExecuteAsync(DeleteWaiting, new { importFileId });

    /// <summary>Brings the file's waiting rows into this transaction's staging table.</summary>
    public async Task StageAsync(NpgsqlConnection connection, long importFileId)
    {
        await connection.ExecuteAsync(CreateStaging);
        await connection.ExecuteAsync(FillStaging, new { importFileId });
        await RemoveWaitingAsync(connection, importFileId);
    }

    /// <summary>Takes out of the staging table what cannot be believed and says why; deliveries to customers that were not exported are kept apart.</summary>
    public async Task<IReadOnlyList<ImportProblem>> TakeOutProblemsAsync(NpgsqlConnection connection, Audience audience, long importFileId, FunnelOrder order)
    {
        await connection.ExecuteAsync(IndexStaging);
        await connection.ExecuteAsync(KeepStrayDeliveries, new { importFileId, audienceId = audience.Id });
        List<ImportProblem> problems =
        [
            .. await connection.QueryAsync<ImportProblem>(TakeOutUnknownCustomers(audience)),
            .. await connection.QueryAsync<ImportProblem>(TakeOutUnknownImpressions),
        ];
        if (order != FunnelOrder.CascadeUp)
        {
            problems.AddRange(await connection.QueryAsync<ImportProblem>(TakeOutBrokenOrder));
        }
        return problems;
    }

    /// <summary>Moves the new events into their tables.</summary>
    /// <returns>events that had been counted before</returns>
    public async Task<long> LandAsync(NpgsqlConnection connection, long audienceId, string source, long importFileId, FunnelOrder order)
    {
        var skipped = await connection.ExecuteAsync(KeepNewEvents, new { source, importFileId });
        await connection.ExecuteAsync(Land, new { audienceId, source });
        if (order == FunnelOrder.CascadeUp)
        {
            await connection.ExecuteAsync(AddMissingStages);
        }
        return skipped;
    }

    // Of a version that is there: rows of a file that is still being read, or was given up, are nobody's.
    private static string TakeOutUnknownCustomers(Audience audience) =>
        $"""
        delete from staged_outcome s
         where s.kind = 3 and not exists (
               select from {audience.CustomersTable} c join audience_version v on v.audience_id = {audience.Id} and v.version = c.version
                where c.customer = s.customer)
        returning s.line, 'customer' as "column", 'unknown_customer' as code, 'no customer of this audience has this key.' as message
        """;
}
