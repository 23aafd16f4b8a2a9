using Pimm.Core.Importing;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>Lets two versions predict the same rows: of nobody's choice, windows closed, seen by neither's training.</summary>
public sealed class RowJudge(AudienceReader reader)
{
    /// <summary>
    /// The rows on which two versions can be compared: not older than either's oldest test row, so that neither has learned from them.
    /// Customers whose impressions only one of the two has learned from, those between the two's oldest test rows, are left out; of all
    /// others both know the same.
    /// </summary>
    /// <param name="to">the first instant whose window is open</param>
    public static HistoryRange RangeOf(ModelVersion one, ModelVersion other, DateTimeOffset to)
    {
        var (first, second) = (UnseenFrom(one), UnseenFrom(other));
        var (older, newer) = first < second ? (first, second) : (second, first);
        return new HistoryRange(newer, to, Targeted: false)
        {
            WithoutFrom = older < newer ? older : null, WithoutTo = older < newer ? newer : null,
        };
    }

    /// <summary>Nothing from this instant on was learned from. Versions of before this was noted: where their rows ended.</summary>
    public static DateTimeOffset UnseenFrom(ModelVersion version) =>
        ModelDescription.FromJson(version.Description).Data?.TestFrom is { } seconds
            ? new DateTimeOffset(seconds * TimeSpan.TicksPerSecond, TimeSpan.Zero)
            : version.NewestImpression ?? throw new InputException($"Version {version.Version} does not say which impressions it has learned from: train it again.");

    /// <param name="report">told how many rows were predicted so far</param>
    public async Task<JudgedRows> JudgeAsync(
        Audience audience, HistoryRange range, VersionPredictor champion, VersionPredictor version, Action<long> report, CancellationToken cancellationToken)
    {
        var rows = new JudgedRows(audience.Funnel);
        if (range.From >= range.To)
        {
            return rows;
        }

        var (mine, theirs) = (Array.Empty<float>(), Array.Empty<float>());
        await foreach (var batch in reader.HistoryAsync(audience, range, cancellationToken))
        {
            if (mine.Length == 0)
            {
                (mine, theirs) = (new float[batch.Capacity * version.Tasks], new float[batch.Capacity * version.Tasks]);
            }

            version.Predict(batch, mine);
            champion.Predict(batch, theirs);
            for (var row = 0; row < batch.Count; row++)
            {
                var place = row * version.Tasks;
                rows.Add(batch.Customers[row], batch.Stages[row], theirs.AsSpan(place, version.Tasks), mine.AsSpan(place, version.Tasks));
            }

            report(rows.Rows);
        }

        return rows;
    }
}
