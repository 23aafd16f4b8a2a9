using System.Text.Json;

namespace Pimm.Core.Queueing;

/// <summary>A wish for work.</summary>
/// <param name="Kind">a stage's verb: train, score, allocate, export, lift …</param>
/// <param name="DedupeKey">a second request of the same kind and key is the same run</param>
/// <param name="Arguments">stored as camelCase JSON; an object</param>
/// <param name="LogicalDate">the day the run is about</param>
/// <param name="MaxAttempts">1 to 100</param>
/// <param name="MaxDuration">budget of one attempt, above zero; null: none</param>
/// <param name="Requires">capabilities a worker must offer, all of them; null: those of the setting Queueing:Requires</param>
/// <param name="After">
/// ids of runs that must have succeeded before this one starts; when one of them fails or is cancelled, this one fails unstarted
/// </param>
public sealed record JobRequest(
    string Kind, string DedupeKey, object Arguments, long? CampaignId = null, DateOnly? LogicalDate = null,
    int MaxAttempts = 3, TimeSpan? MaxDuration = null, string[]? Requires = null, long[]? After = null)
{
    /// <summary>How arguments and results are written and read.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals
    };

    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(Kind) || string.IsNullOrWhiteSpace(DedupeKey))
            throw new InputException($"A run needs a kind and a key, got kind \"{Kind}\" and key \"{DedupeKey}\": give both.");
        if (MaxAttempts is < 1 or > 100)
            throw new InputException($"The run {Kind} may be tried {MaxAttempts} times: the number must be between 1 and 100.");
        if (MaxDuration <= TimeSpan.Zero)
            throw new InputException($"The run {Kind} has a budget of {MaxDuration}: it must be above zero.");
    }
}
