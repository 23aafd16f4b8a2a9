using Pimm.Core.Importing;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>A version with its line, as a comparison takes it.</summary>
public sealed record ComparableVersion(ModelLine Line, ModelVersion Version)
{
    /// <summary>Null: they can be compared on the same rows.</summary>
    public static string? Refusal(IReadOnlyList<ComparableVersion> chosen)
    {
        if (chosen.Count is < CompareRequest.Fewest or > CompareRequest.MostVersions)
        {
            return $"{chosen.Count} versions are chosen: choose {CompareRequest.Fewest} to {CompareRequest.MostVersions}.";
        }

        var first = chosen[0];
        if (chosen.GroupBy(one => one.Version.Id).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            return $"{twice.First().Name} is chosen twice: choose different ones.";
        }

        if (chosen.FirstOrDefault(one => one.Line.AudienceId != first.Line.AudienceId) is { } elsewhere)
        {
            return $"{elsewhere.Name} learned from another audience than {first.Name}: there are no rows that both could predict. Choose versions of one audience.";
        }

        if (chosen.FirstOrDefault(one => one.Version.NewestImpression is null) is { } yardstick)
        {
            return $"{yardstick.Name} learns nothing and predicts no probability: choose versions of lines that learn.";
        }

        var funnel = Tasks(first);
        return chosen.FirstOrDefault(one => !Tasks(one).SequenceEqual(funnel)) is { } other
            ? $"{other.Name} predicts {string.Join(", ", Tasks(other))} and {first.Name} {string.Join(", ", funnel)}: their losses are of different things. Choose versions of one funnel."
            : null;
    }

    /// <summary>The hash of the rows that all were trained and tested on; null: they differ, or are not known.</summary>
    public static string? CommonSnapshot(IReadOnlyList<ComparableVersion> chosen)
    {
        var hashes = chosen.Select(one => one.Version.NewestImpression is null ? null : ModelDescription.FromJson(one.Version.Description).Data?.SnapshotSha256).Distinct().ToList();
        return hashes.Count == 1 ? hashes[0] : null;
    }

    /// <summary>
    /// Rows of nobody's choice that none has learned from, up to where windows are closed; without the customers whom only some of
    /// them have learned from.
    /// </summary>
    public static HistoryRange RangeOf(IReadOnlyList<ComparableVersion> chosen)
    {
        DateTimeOffset[] unseen = [.. chosen.Select(one => RowJudge.UnseenFrom(one.Version))];
        var (oldest, newest) = (unseen.Min(), unseen.Max());
        return new HistoryRange(newest, chosen.Max(one => one.Version.NewestImpression!.Value), Targeted: false)
        {
            WithoutFrom = oldest < newest ? oldest : null, WithoutTo = oldest < newest ? newest : null,
        };
    }

    private string Name => $"Version {Version.Version} of \"{Line.Name}\"";

    private static IReadOnlyList<string> Tasks(ComparableVersion one) => ModelDescription.FromJson(one.Version.Description).Tasks;
}
