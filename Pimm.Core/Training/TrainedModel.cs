using System.Security.Cryptography;

namespace Pimm.Core.Training;

/// <summary>
/// A trained model: what is known about it, how attributes become ids, and its weights as a safetensors file. As a folder it is
/// <c>model.json</c>, <c>feature_map.json</c> and <c>weights.safetensors</c>; a database keeps the same three.
/// </summary>
public sealed record TrainedModel(ModelDescription Description, string FeatureMap, byte[] Weights)
{
    private const string DescriptionFile = "model.json";
    private const string FeatureMapFile = "feature_map.json";
    private const string WeightsName = "weights.safetensors";
    private const string CheckpointsName = "checkpoints";
    private static readonly string[] Files = [DescriptionFile, FeatureMapFile, WeightsName];

    /// <summary>Where a training that writes its model to a folder keeps its checkpoints; they go when the model is saved.</summary>
    public static string CheckpointsOf(string folder) => Path.Combine(folder, CheckpointsName);

    /// <exception cref="InputException">The description cannot be read, or the weights are not those it describes.</exception>
    public static TrainedModel From(string description, string featureMap, byte[] weights)
    {
        var model = new TrainedModel(ModelDescription.FromJson(description), featureMap, weights);
        return model.Description.WeightsSha256 is not { } hash || hash == HashOf(weights)
            ? model
            : throw new InputException("The model's weights do not have the hash in its model.json: they were damaged or exchanged; train the model again or copy it anew.");
    }

    /// <summary>SHA-256, 64 hexadecimal digits in lower case.</summary>
    internal static string HashOf(byte[] weights) => Convert.ToHexStringLower(SHA256.HashData(weights));

    /// <exception cref="InputException">A file is missing or cannot be read, or the weights are not those described.</exception>
    public static TrainedModel Load(string folder)
    {
        foreach (var file in Files)
        {
            if (!File.Exists(Path.Combine(folder, file)))
            {
                throw new InputException($"The folder {folder} holds no {file}, so it is no trained model; give the folder that pimm train --out wrote.");
            }
        }

        return From(
            File.ReadAllText(Path.Combine(folder, DescriptionFile)),
            File.ReadAllText(Path.Combine(folder, FeatureMapFile)),
            File.ReadAllBytes(Path.Combine(folder, WeightsName)));
    }

    /// <summary>
    /// Writes the folder. It is written beside its place and then renamed, so that it is there whole or not at all; a trained model
    /// that stood there before is replaced, with the checkpoints beside it; anything else is left alone.
    /// </summary>
    /// <exception cref="InputException">The folder holds something that is no trained model.</exception>
    public void Save(string folder)
    {
        var place = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        RefuseOccupied(place);
        var draft = $"{place}.{Environment.ProcessId}.writing";
        Directory.CreateDirectory(draft);
        try
        {
            File.WriteAllText(Path.Combine(draft, DescriptionFile), Description.ToJson() + "\n");
            File.WriteAllText(Path.Combine(draft, FeatureMapFile), FeatureMap);
            File.WriteAllBytes(Path.Combine(draft, WeightsName), Weights);
            var aside = $"{place}.{Environment.ProcessId}.replaced";
            if (Directory.Exists(place))
            {
                Directory.Move(place, aside);
            }

            Directory.Move(draft, place);
            if (Directory.Exists(aside))
            {
                Directory.Delete(aside, recursive: true);
            }
        }
        finally
        {
            if (Directory.Exists(draft))
            {
                Directory.Delete(draft, recursive: true);
            }
        }
    }

    /// <summary>Says before a long run whether <see cref="Save"/> could write there.</summary>
    /// <exception cref="InputException">The place holds something that is no trained model.</exception>
    public static void RefuseOccupied(string folder)
    {
        var occupied = File.Exists(folder)
            || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any(entry =>
                Path.GetFileName(entry) != CheckpointsName && !Files.Contains(Path.GetFileName(entry))));
        if (occupied)
        {
            throw new InputException($"{folder} holds something else than a trained model; choose another --out, nothing was overwritten.");
        }
    }
}
