using Pimm.Core.Importing;
using Pimm.Core.Training;

namespace Pimm.Core.Scoring;

/// <summary>A line's champion, opened for scoring.</summary>
public sealed record OpenChampion(ModelVersion Version, IScorer Scorer) : IDisposable
{
    public void Dispose() => Scorer.Dispose();
}

/// <summary>Finds the source that knows a line's kind of network and opens its champion.</summary>
public sealed class ChampionScorers(ModelStore models, IEnumerable<IScorerSource> sources)
{
    public async Task<OpenChampion> OpenAsync(Audience audience, long lineId, CancellationToken cancellationToken)
    {
        var line = await models.GetLineAsync(lineId, cancellationToken);
        var version = await models.ChampionAsync(lineId, cancellationToken)
            ?? throw new InputException($"The model line \"{line.Name}\" has no champion yet: train it first.");
        var source = sources.FirstOrDefault(s => s.Offers(line.Network))
            ?? throw new InputException($"The model line \"{line.Name}\" is of the kind \"{line.Network}\", which cannot score here.");
        return new OpenChampion(version, await source.OpenAsync(audience, version, cancellationToken));
    }
}
