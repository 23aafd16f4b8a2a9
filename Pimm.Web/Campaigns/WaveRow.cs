using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Outcomes;

namespace Pimm.Web.Campaigns;

/// <summary>One arm of a published wave: what was asked for, what went out, what came back.</summary>
/// <param name="Treatment">else control</param>
/// <param name="Closed">its window is over</param>
/// <param name="Converted">of the exported within the window, as the newest report counts; null before one</param>
public sealed record WaveRow(DateOnly Date, bool Treatment, int Planned, long Exported, long HeldBack, long Delivered, bool Closed, long? Converted, long? HeldBackConverted)
{
    public bool Unfilled => Exported < Planned;

    public static IReadOnlyList<WaveRow> Of(Campaign campaign, IReadOnlyList<Wave> waves, IReadOnlyList<WaveDelivery> deliveries, LiftReport? report, DateTimeOffset now)
    {
        var counted = deliveries.ToDictionary(delivery => (delivery.WaveDate, delivery.Arm));
        var measured = (report?.Windows.Waves ?? []).ToDictionary(wave => wave.Date);
        return [.. waves.SelectMany(wave => new short[] { 1, 0 }.Select(arm =>
        {
            var delivery = counted.GetValueOrDefault((wave.WaveDate, arm));
            var known = measured.GetValueOrDefault(wave.WaveDate) is { } window ? arm == 1 ? window.Treatment : window.Control : null;
            return new WaveRow(
                wave.WaveDate, arm == 1, campaign.ImpressionsPerDay, wave.Impressions, delivery?.HeldBack ?? 0, delivery?.Delivered ?? 0,
                wave.ImpressionsAt.AddDays(campaign.WindowDays) <= now, known?.ExportedConversions, known?.HeldBackConversions);
        }))];
    }
}
