using Pimm.Core;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Web.Health;

/// <summary>Ready means: the database answers and has every migration that this version came with.</summary>
public sealed class DatabaseHealth(NpgsqlDataSource database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var missing = await Migrator.MissingAsync(database, Migrator.DefaultFolder, cancellationToken);
            return missing.Count == 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"The database lacks {missing.Count} migrations: run ./pimm migrate.");
        }
        catch (Exception error) when (error is NpgsqlException or InputException)
        {
            return HealthCheckResult.Unhealthy("The database does not answer: run ./pimm doctor.", error);
        }
    }
}
