using System.CommandLine;

namespace Pimm.Jobs.CommandLine;

/// <summary>Every verb of the command line. Each has a file of its own beside this one; a new one is a line here.</summary>
public static class PimmCommands
{
    public static IReadOnlyList<Command> All() =>
    [
        DemoCommand.Create(),
        TrainCommand.Create(),
        CompareCommand.Create(),
        ScoreCommand.Create(),
        SimulateCommand.Create(),
        StatsCommand.Create(),
        ConvertCommand.Create(),
        ImportCommand.Create(),
        OutcomesCommand.Create(),
        AudiencesCommand.Create(),
        .. CampaignStageCommands.Create(),
        WavesCommand.Create(),
        CampaignsCommand.Create(),
        ApprovalsCommand.Create(),
        ModelsCommand.Create(),
        RunsCommand.Create(),
        WorkCommand.Create(),
        WorkersCommand.Create(),
        SchedulesCommand.Create(),
        UsersCommand.Create(),
        AuditCommand.Create(),
        KeysCommand.Create(),
        WebhooksCommand.Create(),
        MigrateCommand.Create(),
        BackupCommand.Create(),
        RestoreCommand.Create(),
        RetainCommand.Create(),
        SuppressCommand.Create(),
        EraseCommand.Create(),
        DoctorCommand.Create(),
        TrainRowsCommand.Create(),
        TrainCellsCommand.Create(),
    ];
}
