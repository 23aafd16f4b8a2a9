using System.Text.Json;

namespace Pimm.Web.Training;

/// <summary>What a version's model.json says of one task on the held-out rows.</summary>
public sealed record TaskMetric(string Name, double? Auc)
{
    /// <summary>Lines that learn nothing have no metrics.</summary>
    public static IReadOnlyList<TaskMetric> From(string description)
    {
        using var document = JsonDocument.Parse(description);
        return document.RootElement.TryGetProperty("test", out var tasks) && tasks.ValueKind == JsonValueKind.Array
            ? [.. tasks.EnumerateArray().Where(task => task.ValueKind == JsonValueKind.Object).Select(One)]
            : [];
    }

    private static TaskMetric One(JsonElement task) => new(
        task.TryGetProperty("name", out var name) ? name.GetString() ?? "" : "",
        task.TryGetProperty("auc", out var auc) && auc.ValueKind == JsonValueKind.Number ? auc.GetDouble() : null);
}
