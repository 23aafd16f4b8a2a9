using System.CommandLine;
using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;

namespace Pimm.Jobs.CommandLine;

/// <summary>What each wave of a campaign asked for and did.</summary>
public static class WavesCommand
{
    private static readonly string[] Arms = ["control", "treatment"];

    public static Command Create()
    {
        var campaignId = new Option<long>("--campaign") { Description = "the campaign's number", Required = true };
        return new Command("waves", "a campaign's published waves: impressions, fill, exploration, held back, overlap, cut-offs, lists") { campaignId, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var campaign = await call.Service<CampaignStore>().GetAsync(call.Arguments.GetValue(campaignId), cancellationToken);
            var waves = await call.Service<WaveFigureStore>().OfCampaignAsync(campaign, cancellationToken);
            var lists = await call.Service<ExportStore>().ListsAsync(campaign.Id, cancellationToken);
            var allocation = await call.Service<AllocationStore>().FindAsync(campaign.Id, cancellationToken);
            call.Print(
                new
                {
                    campaign = campaign.Id, campaign.Name, allocation?.ControlCustomers, allocation?.TreatmentCustomers, note = allocation?.UnequalArms,
                    waves = waves.Select(w => Document(w, lists)), missedDays = Missed(campaign, waves),
                },
                lines => Write(lines, campaign, allocation, waves, lists));
            return ExitCode.Done;
        });
    }

    private static object Document(WaveFigures wave, IReadOnlyList<ExportedList> lists) => new
    {
        date = wave.Wave.WaveDate, wave.Wave.ImpressionsAt, wave.Requested, exported = wave.Wave.Impressions, wave.FillRate, wave.Wave.Exploration,
        control = Document(wave.Control, wave.Wave.ControlCutoff, FileOf(wave, 0, lists)),
        treatment = Document(wave.Treatment, wave.Wave.TreatmentCutoff, FileOf(wave, 1, lists)),
    };

    private static object Document(WaveArmFigures arm, float? cutOff, string? file) =>
        new { arm.Exported, arm.HeldBack, arm.Overlap, cutOff, arm.Propensity, file };

    private static void Write(TextWriter lines, Campaign campaign, Allocation? allocation, IReadOnlyList<WaveFigures> waves, IReadOnlyList<ExportedList> lists)
    {
        if (waves.Count == 0)
        {
            lines.WriteLine($"{campaign.Name} has no wave yet: pimm allocate --campaign {campaign.Id} selects the first one.");
            return;
        }
        if (allocation?.UnequalArms is { } note)
        {
            lines.WriteLine(note);
        }
        lines.WriteLine("wave        arm        requested  exported    fill  explored  propensity  held back  overlap   cut-off  list");
        foreach (var wave in waves)
        {
            for (var arm = 0; arm <= 1; arm++)
            {
                var figures = arm == 0 ? wave.Control : wave.Treatment;
                var cutOff = arm == 0 ? wave.Wave.ControlCutoff : wave.Wave.TreatmentCutoff;
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{wave.Wave.WaveDate:yyyy-MM-dd}  {Arms[arm],-9}  {wave.Requested,9:N0}  {figures.Exported,8:N0}  {wave.FillRate,6:0%}  {wave.Wave.Exploration,8:N0}  {Shown(figures.Propensity, "0.0000"),10}  {figures.HeldBack,9:N0}  {Shown(figures.Overlap, "0%"),7}  {Shown(cutOff, "0.000000"),8}  {FileOf(wave, arm, lists) ?? "not written"}"));
            }
        }
        foreach (var day in Missed(campaign, waves))
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{day:yyyy-MM-dd}  missed in both arms"));
        }
    }

    /// <summary>Days before the newest wave that have none: they stay missing, in both arms.</summary>
    private static List<DateOnly> Missed(Campaign campaign, IReadOnlyList<WaveFigures> waves) =>
        waves.Count == 0 ? [] : [.. campaign.WaveDates.Where(day => day < waves[^1].Wave.WaveDate && waves.All(w => w.Wave.WaveDate != day))];

    private static string? FileOf(WaveFigures wave, int arm, IReadOnlyList<ExportedList> lists) =>
        lists.FirstOrDefault(l => l.WaveDate == wave.Wave.WaveDate && l.Arm == arm)?.FileName;

    private static string Shown(double? value, string format) => value is { } present ? present.ToString(format, CultureInfo.InvariantCulture) : "none";
}
