using System.CommandLine;
using System.Globalization;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>Model versions of a campaign's two lines, and which of them ranks.</summary>
public static class ModelsCommand
{
    public static Command Create() => new("models", "model versions of a campaign's lines: list, promote") { List(), Promote() };

    private static Command List()
    {
        var campaign = new Option<long>("--campaign") { Description = "the campaign's number", Required = true };
        return new Command("list", "versions of both lines, newest first; * marks the champion") { campaign, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var models = call.Service<ModelStore>();
            var owner = await call.Service<CampaignStore>().GetAsync(call.Arguments.GetValue(campaign), cancellationToken);
            var lines = new List<object>();
            foreach (var id in (long[])[owner.ControlLineId, owner.TreatmentLineId])
            {
                var line = await models.GetLineAsync(id, cancellationToken);
                var champion = await models.ChampionAsync(id, cancellationToken);
                var versions = await models.VersionsAsync(id, cancellationToken);
                lines.Add(new { line.Id, line.Name, line.Network, champion = champion?.Id, versions = versions.Select(v => new { v.Id, v.Version, v.TrainingRows, v.NewestImpression, v.TrainedAt }) });
                if (!call.Json)
                {
                    call.Output.WriteLine($"{line.Name} ({line.Network})");
                    foreach (var version in versions)
                    {
                        call.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                            $"  {(version.Id == champion?.Id ? '*' : ' ')} {version.Id,5}  version {version.Version}, trained {version.TrainedAt:yyyy-MM-dd HH:mm} on {version.TrainingRows:N0} rows"));
                    }
                }
            }
            if (call.Json)
            {
                call.Print(new { lines }, _ => { });
            }
            return ExitCode.Done;
        });
    }

    private static Command Promote()
    {
        var id = new Argument<long>("version") { Description = "the version's number, as models list shows it" };
        var reason = new Option<string>("--reason") { Description = "why; kept with the promotion", Required = true };
        return new Command("promote", "makes a version its line's champion; promoting an older one rolls back") { id, reason, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var models = call.Service<ModelStore>();
            var version = await models.GetVersionAsync(call.Arguments.GetValue(id), cancellationToken);
            await using (var connection = await call.Service<NpgsqlDataSource>().OpenConnectionAsync(cancellationToken))
            {
                await models.PromoteAsync(connection, version.Id, Environment.UserName, call.Arguments.GetValue(reason)!);
            }
            call.Print(new { version.ModelLineId, champion = version.Id }, lines => lines.WriteLine($"Version {version.Version} is the champion of line {version.ModelLineId}."));
            return ExitCode.Done;
        });
    }
}
