using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Suppressing;

namespace Pimm.Core.Importing;

/// <summary>Streams an audience's rows out of its typed tables by binary COPY; memory stays at three batches.</summary>
public sealed class AudienceReader(NpgsqlDataSource database)
{
    private const int BatchRows = 8192;

    /// <summary>The customers of one version, ordered by customer.</summary>
    public IAsyncEnumerable<AttributeBatch> CustomersAsync(Audience audience, int version, CancellationToken cancellationToken = default) =>
        CustomersAsync(audience, version, Guid.Empty, null, cancellationToken);

    /// <summary>As above, of a range of customers.</summary>
    /// <param name="next">the first one after the range; null: to the end</param>
    public IAsyncEnumerable<AttributeBatch> CustomersAsync(Audience audience, int version, Guid first, Guid? next, CancellationToken cancellationToken = default)
    {
        var range = next is null ? $"customer >= '{first}'" : $"customer >= '{first}' and customer < '{next}'";
        var source =
            $"(select customer, {audience.AttributeList()} from {audience.CustomersTable} where version = {version} and {range} order by customer)";
        return ReadAsync(audience, source, static (export, batch, row) => batch.Customers[row] = export.ReadGuid(), cancellationToken);
    }

    /// <summary>Impressions strictly before <paramref name="before"/> of all but objectors, oldest first; ties by everything else that is read, so that the order is the data's.</summary>
    public async IAsyncEnumerable<AttributeBatch> TrainingHistoryAsync(
        Audience audience, DateTimeOffset before, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var source =
            $"(select h.customer, h.stage, h.impression_at, {audience.AttributeList("h.")} from {audience.TrainingHistoryView} h " +
            $"where h.impression_at < '{before.UtcDateTime:yyyy-MM-dd HH:mm:ss.ffffff}+00' and {SuppressionGate.MayBeLearnedFrom("h.customer")} " +
            $"order by h.impression_at, h.customer, h.stage, {audience.AttributeList("h.")})";
        var batches = ReadAsync(audience, source, static (export, batch, row) =>
        {
            batch.Customers[row] = export.ReadGuid();
            batch.Stages[row] = export.ReadInt16();
            batch.ImpressionTicks[row] = export.ReadInstant().Ticks;
        }, cancellationToken);
        await foreach (var batch in batches)
        {
            yield return batch;
        }
    }

    /// <summary>Impressions of a range, of all but objectors, oldest first.</summary>
    public async IAsyncEnumerable<AttributeBatch> HistoryAsync(
        Audience audience, HistoryRange range, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var source =
            $"(select h.customer, h.stage, h.impression_at, {audience.AttributeList("h.")} from {audience.TrainingHistoryView} h " +
            $"where {range.Condition("h", audience)} and {SuppressionGate.MayBeLearnedFrom("h.customer")} order by h.impression_at, h.customer)";
        var batches = ReadAsync(audience, source, static (export, batch, row) =>
        {
            batch.Customers[row] = export.ReadGuid();
            batch.Stages[row] = export.ReadInt16();
            batch.ImpressionTicks[row] = export.ReadInstant().Ticks;
        }, cancellationToken);
        await foreach (var batch in batches)
        {
            yield return batch;
        }
    }

    /// <summary>Goes on reading while the caller works on a batch.</summary>
    private async IAsyncEnumerable<AttributeBatch> ReadAsync(
        Audience audience, string source, Action<CopyReader, AttributeBatch, int> readKeys,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var waiting = Channel.CreateBounded<AttributeBatch>(1);
        var reading = Task.Run(async () =>
        {
            try
            {
                await foreach (var batch in BatchesAsync(audience, source, readKeys, stop.Token))
                {
                    await waiting.Writer.WriteAsync(batch, stop.Token);
                }
                waiting.Writer.Complete();
            }
            catch (Exception e)
            {
                waiting.Writer.Complete(e);
            }
        }, CancellationToken.None);
        try
        {
            await foreach (var batch in waiting.Reader.ReadAllAsync(cancellationToken))
            {
                yield return batch;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
        }
    }

    private async IAsyncEnumerable<AttributeBatch> BatchesAsync(
        Audience audience, string source, Action<CopyReader, AttributeBatch, int> readKeys,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // One is the caller's, one waits for the caller, one is read.
        AttributeBatch[] batches = [new(audience.Attributes, BatchRows), new(audience.Attributes, BatchRows), new(audience.Attributes, BatchRows)];
        var (batch, next) = (batches[0], 1);
        var rows = BulkCopy.ReadAsync(connection, source, export =>
        {
            readKeys(export, batch, batch.Count);
            ReadAttributes(export, batch, batch.Count);
            return ++batch.Count;
        }, cancellationToken);
        await foreach (var count in rows)
        {
            if (count == batch.Capacity)
            {
                yield return batch;
                (batch, next) = (batches[next], (next + 1) % batches.Length);
                batch.Count = 0;
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private static void ReadAttributes(CopyReader export, AttributeBatch batch, int row)
    {
        for (var attribute = 0; attribute < batch.Attributes.Count; attribute++)
        {
            if (batch.Numbers[attribute] is { } numbers)
            {
                numbers[row] = export.ReadDoubleOrNull() ?? double.NaN;
            }
            else
            {
                batch.Texts[attribute]![row] = export.ReadTextOrNull();
            }
        }
    }
}
