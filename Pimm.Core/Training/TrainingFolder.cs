using System.Globalization;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Training;

/// <summary>
/// The files of one run on this machine: the rows it trains on, its checkpoints, what its attempts were asked and gave. Names carry the
/// fence of the attempt that writes them, so that one that was given up never touches those of its successor.
/// </summary>
/// <param name="root">Training:Folder</param>
public sealed class TrainingFolder(string root, long runId, long fence)
{
    public long Fence => fence;

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetFullPath(root), string.Create(CultureInfo.InvariantCulture, $"run-{runId}"));

    public string Checkpoints => System.IO.Path.Combine(Path, "checkpoints");

    /// <summary>Those of the training with half the batch: another training, whose checkpoints the first one's are of no use to.</summary>
    public string HalfCheckpoints => System.IO.Path.Combine(Path, "checkpoints-half");

    /// <summary>Why this run trains with half the batch, now and in attempts to come; null: it does not.</summary>
    public string? HalfBatch => File.Exists(Half) ? File.ReadAllText(Half) : null;

    /// <summary>Where this attempt writes its rows.</summary>
    public string Rows => Of("rows", ".csv");

    /// <summary>The rows as the network reads them.</summary>
    public string Packed => Of("packed", ".safetensors");

    public string Request => Of("request", ".json");

    /// <summary>The folder of the trained model.</summary>
    public string Model => Of("model", "");

    /// <summary>Whether an attempt of this very run was here: another database has runs of the same number.</summary>
    /// <param name="asked">when the run was asked for</param>
    public bool IsOf(DateTimeOffset asked) => File.Exists(Asked) && File.ReadAllText(Asked) == Text(asked);

    /// <summary>Makes the folder, and room: packed rows of attempts before are made again from their text.</summary>
    /// <param name="asked">when the run was asked for</param>
    public void Open(DateTimeOffset asked)
    {
        if (!IsOf(asked))
        {
            Remove();
        }

        Directory.CreateDirectory(Path);
        DurableFile.WriteText(Asked, Text(asked));
        foreach (var packed in Directory.EnumerateFiles(Path, "packed-*"))
        {
            File.Delete(packed);
        }
    }

    /// <summary>From now on the run trains with half the batch, whichever attempt it is.</summary>
    public void TakeHalfTheBatch(string why) => DurableFile.WriteText(Half, why);

    /// <summary>Whoever tries the run again begins with the whole batch.</summary>
    public void TakeTheWholeBatch()
    {
        File.Delete(Half);
        if (Directory.Exists(HalfCheckpoints))
        {
            Directory.Delete(HalfCheckpoints, recursive: true);
        }
    }

    public void Remove()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    private string Asked => System.IO.Path.Combine(Path, "asked");

    private string Half => System.IO.Path.Combine(Path, "half-batch");

    private static string Text(DateTimeOffset asked) => asked.ToString("O", CultureInfo.InvariantCulture);

    private string Of(string name, string ending) => System.IO.Path.Combine(Path, string.Create(CultureInfo.InvariantCulture, $"{name}-{fence:D6}{ending}"));
}
