using System.CommandLine;
using Microsoft.Extensions.Options;
using Pimm.Core.Database;

namespace Pimm.Jobs.CommandLine;

public static class MigrateCommand
{
    public static Command Create() =>
        new Command("migrate", "brings the database up to date and grants the app its rights; needs Database__OwnerConnectionString") { Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                var options = call.Service<IOptions<DatabaseOptions>>().Value;
                await using var owner = DataSources.ForOwner(options);
                var report = await Migrator.RunAsync(owner, Migrator.DefaultFolder, options.AppRole, cancellationToken);
                call.Print(report, lines =>
                {
                    foreach (var name in report.Applied)
                        lines.WriteLine($"applied {name}");
                    lines.WriteLine($"The database is up to date: {report.Known} migrations, {report.Applied.Count} applied now.");
                });
                return ExitCode.Done;
            });
}
