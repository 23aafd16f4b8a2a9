using System.Text.Json;

namespace Pimm.Core.Training;

/// <summary>How far a training is.</summary>
/// <param name="Share">0 to 1</param>
/// <param name="SamplesPerSecond">training rows a second; null before the first</param>
public sealed record RowsTrainingProgress(double Share, string Message, double? SamplesPerSecond = null);

/// <summary>What a training in a process of its own tells, one JSON line each on its stdout; one of the four is there.</summary>
/// <param name="Note">a sentence for the run's log: where it goes on from, or what it chose</param>
/// <param name="Warning">a sentence for the run's log: what could not be used</param>
public sealed record TrainingNews(RowsTrainingProgress? Progress = null, CheckpointFile? Checkpoint = null, string? Note = null, string? Warning = null)
{
    public string ToJson() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    /// <summary>Null where the line is none of ours.</summary>
    public static TrainingNews? FromJson(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainingNews>(line, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
