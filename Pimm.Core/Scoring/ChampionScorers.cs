using Pimm.Core.Importing;
using Pimm.Core.Training;

namespace Pimm.Core.Scoring;

/// <summary>Finds a line's champion and the source that opens versions of its kind.</summary>
public sealed class ChampionScorers(ModelStore models, IEnumerable<IScorerSource> sources)
{
    /// <exception cref="InputException">the line has no champion</exception>
    public async Task<ModelVersion> ChampionAsync(long lineId, CancellationToken cancellationToken)
    {
        var line = await models.GetLineAsync(lineId, cancellationToken);
        return await models.ChampionAsync(lineId, cancellationToken)
            ?? throw new InputException($"The model line \"{line.Name}\" has no champion yet: train it first.");
    }

    public Task<ModelVersion> VersionAsync(long versionId, CancellationToken cancellationToken) => models.GetVersionAsync(versionId, cancellationToken);

    public async Task<IScorer> OpenAsync(Audience audience, ModelVersion version, CancellationToken cancellationToken)
    {
        if (sources.FirstOrDefault(s => s.Offers(version.Network)) is { } source)
        {
            return await source.OpenAsync(audience, version, cancellationToken);
        }
        var line = await models.GetLineAsync(version.ModelLineId, cancellationToken);
        throw new InputException($"The model line \"{line.Name}\" is of the kind \"{version.Network}\", which cannot score here.");
    }
}
