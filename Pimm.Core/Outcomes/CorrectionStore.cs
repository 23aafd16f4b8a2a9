using Dapper;
using Npgsql;
using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>
/// Corrections among the staged events: customer_outcome follows the one that happened last, in whatever order they come; the log
/// keeps them all.
/// </summary>
public sealed class CorrectionStore
{
    // The outcomes are held, so that none is undone before its correction is seen; corrections of one outcome do not hold each other up.
    private const string TakeOutUnknown =
        """
        with held as (
            select o.customer, o.event_id
              from (select distinct customer, corrects from staged_outcome where corrects is not null) s
              join customer_outcome o on o.customer = s.customer and o.source = @Source and o.event_id = s.corrects
             order by o.customer, o.event_id for key share of o)
        delete from staged_outcome s
         where s.corrects is not null
           and not exists (select from held h where h.customer = s.customer and h.event_id = s.corrects)
           and not exists (select from staged_outcome t where t.event_id = s.corrects and t.customer = s.customer and t.kind = 3 and t.corrects is null)
        returning s.line, 'corrects' as "column", 'unknown_correction' as code,
                  'this source has sent no outcome of this customer with that event_id; send it first, and name the outcome itself, no correction of it.' as message
        """;

    // Rows are locked in one order, whatever the batches' own.
    private const string Apply =
        """
        with newest as (
            select distinct on (customer, corrects) customer, corrects, event_id, occurred_at, amount, void
              from staged_outcome where corrects is not null
             order by customer, corrects, occurred_at desc, event_id collate "C" desc),
        held as (
            select o.customer, o.event_id from customer_outcome o join newest n on n.customer = o.customer and n.corrects = o.event_id
             where o.source = @Source order by o.customer, o.event_id for no key update of o)
        update customer_outcome o
           set amount = case when n.void then o.amount else n.amount end, voided = n.void, corrected_at = n.occurred_at, corrected_by = n.event_id
          from newest n join held h on h.customer = n.customer and h.event_id = n.corrects
         where o.customer = n.customer and o.source = @Source and o.event_id = n.corrects
           and (o.corrected_at is null or (n.occurred_at, n.event_id collate "C") > (o.corrected_at, o.corrected_by collate "C"))
        """;

    public Task<IEnumerable<ImportProblem>> TakeOutUnknownAsync(NpgsqlConnection connection, OutcomeOrigin origin) =>
        connection.QueryAsync<ImportProblem>(TakeOutUnknown, origin);

    /// <summary>Behind the landing, which counts each correction once.</summary>
    public Task ApplyAsync(NpgsqlConnection connection, OutcomeOrigin origin) => connection.ExecuteAsync(Apply, origin);
}
