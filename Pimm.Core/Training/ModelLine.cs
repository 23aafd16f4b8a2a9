namespace Pimm.Core.Training;

/// <summary>A kind of network with settings that is trained again and again on one audience.</summary>
/// <param name="Network">kind of network, "random", or "truth:…" in a simulated audience</param>
/// <param name="Settings">
/// JSON object of option = value, as `pimm train --set`; "ignore" and "allowLeak" are lists of attributes, as the options of those names; "useProtected" lists protected attributes and arms that are features all the same
/// </param>
public sealed record ModelLine(long Id, long AudienceId, string Name, string Network, string Settings, DateTimeOffset CreatedAt);

/// <summary>One trained instance of a line, without its weights.</summary>
/// <param name="Version">1, 2, … within the line</param>
/// <param name="Description">model.json of the trained model: options, epochs, metrics on held-out rows</param>
/// <param name="NewestImpression">training read impressions up to this time; null for lines that learn nothing</param>
public sealed record ModelVersion(
    long Id, long ModelLineId, int Version, string Network, long Seed, string Description, long TrainingRows,
    DateTimeOffset? NewestImpression, DateTimeOffset TrainedAt);

/// <summary>What a version needs to predict.</summary>
/// <param name="FeatureMap">JSON; null for lines that learn nothing</param>
/// <param name="Weights">safetensors bytes; null for lines that learn nothing</param>
public sealed record StoredModel(string Description, string? FeatureMap, byte[]? Weights);
