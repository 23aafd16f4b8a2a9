using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Database;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Database;

public sealed class DatabaseOptionsTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task The_data_source_of_the_services_is_the_settings_one_with_our_time_outs()
    {
        await using var services = Services(("Database:ConnectionString", database.ConnectionString), ("Database:LockTimeoutSeconds", "7"));

        await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(TestContext.Current.CancellationToken);

        (await ShowAsync(connection, "lock_timeout")).ShouldBe("7s");
        (await ShowAsync(connection, "idle_in_transaction_session_timeout")).ShouldBe("1min");
        (await ShowAsync(connection, "application_name")).ShouldBe("pimm");
        (await ShowAsync(connection, "TimeZone")).ShouldBe("UTC");
        // Of the server's own settings, which a connection by a Unix socket shows as 0.
        var settings = connection.ConnectionString;
        new NpgsqlConnectionStringBuilder(settings).Options!.ShouldContain("-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3");
    }

    [Theory]
    [InlineData("Database:ConnectionString", "", "No database is set: start one with ./pimm up")]
    [InlineData("Database:ConnectionString", "Hozt=x", "The setting Database:ConnectionString is not a PostgreSQL connection string")]
    [InlineData("Database:MaxPoolSize", "0", "The setting Database:MaxPoolSize is 0: it must be between 1 and 200.")]
    public async Task A_wrong_setting_is_named(string key, string value, string sentence)
    {
        await using var services = Services(("Database:ConnectionString", database.ConnectionString), (key, value));

        Should.Throw<InputException>(() => services.GetRequiredService<NpgsqlDataSource>()).Message.ShouldStartWith(sentence);
    }

    [Fact]
    public void The_settings_file_lies_below_every_other_source()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Database:ConnectionString"] = "from the environment" })
            .AddPimmSettings()
            .Build();

        configuration["Database:ConnectionString"].ShouldBe("from the environment");
        configuration["AllowedHosts"].ShouldBe("*");
    }

    private static ServiceProvider Services(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.GroupBy(setting => setting.Key).ToDictionary(group => group.Key, group => (string?)group.Last().Value))
            .Build();
        return new ServiceCollection().AddPimmCore(configuration).BuildServiceProvider();
    }

    private static async Task<string> ShowAsync(NpgsqlConnection connection, string setting)
    {
        await using var command = new NpgsqlCommand($"show {setting}", connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
